package asyncio.streams.internal;

import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.channel.ChannelPipeline;
import io.netty.channel.ChannelPromise;
import io.netty.channel.EventLoop;
import io.netty.channel.IoEvent;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoEvent;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.FileDescriptor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * An end of a pipe on a loop's epoll, without a separate thread. Everything except the constructor runs on the loop, so
 * a descriptor is never used after it was closed.
 *
 * <p>Interest is level-triggered. Without interest the loop keeps the descriptor in epoll edge-triggered, so that a
 * paused reader whose writers are gone is notified once and not forever; when interest in reading is set again, events
 * of the meantime are reported.
 */
public final class EpollPipe extends PipeEnd {
    private static final int EPOLLHUP = 0x10;
    /** The maximum number of bytes passed to the operating system at once: by default no pipe accepts more. */
    private static final int GATHERED = 64 * 1024;

    /** A pipe that is ready takes so many bytes without blocking. */
    private static final int UNBLOCKED = 4096;

    private final FileDescriptor descriptor;
    private final EpollIoHandle handle = new PipeHandle();
    private @Nullable IoRegistration registration;
    private EpollIoOps interest = EpollIoOps.NONE;
    private boolean readPending;
    /** Whether a read or a write of the descriptor may block: then there is one for each time that epoll says so. */
    private final boolean blocks;

    private boolean writeIsDue;
    /** Whether epoll has not taken a descriptor of this process, which stays its owner's. */
    private boolean refused;

    private final boolean ofThisProcess;

    /**
     * Creates a channel to be registered with a loop on epoll.
     *
     * @param descriptor a non-blocking descriptor; closed with the channel
     * @param name the name of the other end, for messages: {@code stdin of cat, pid 42}
     */
    public EpollPipe(FileDescriptor descriptor, String name, boolean readable) {
        this(descriptor, name, readable, false, false);
    }

    private EpollPipe(FileDescriptor descriptor, String name, boolean readable, boolean ofThisProcess, boolean blocks) {
        super(name, readable);
        this.descriptor = descriptor;
        this.ofThisProcess = ofThisProcess;
        this.blocks = blocks;
    }

    /**
     * A channel for a descriptor of this process, which is closed with it unless epoll refuses it; whether it blocks is
     * left as it is.
     *
     * @throws IllegalArgumentException if it is not open, or a file's
     */
    public static EpollPipe ofThisProcess(int number, boolean readable) {
        Descriptors.checkPipe(number);
        return new EpollPipe(
                new FileDescriptor(number), "descriptor " + number, readable, true, Descriptors.blocks(number));
    }

    @Override
    public Object pipe() {
        return descriptor.intValue();
    }

    private final class PipeHandle implements EpollIoHandle {
        @Override
        public FileDescriptor fd() {
            return descriptor;
        }

        @Override
        public void handle(IoRegistration registration, IoEvent event) {
            EpollIoOps ops = ((EpollIoEvent) event).ops();
            if (!isOpen()) {
                return;
            }
            if (readable) {
                if (readPending) {
                    readWhatIsThere(false);
                }
            } else if ((ops.value() & (EpollIoOps.EPOLLERR.value() | EPOLLHUP)) != 0) {
                outputRefused();
            } else if (ops.contains(EpollIoOps.EPOLLOUT)) {
                writeIsDue = true;
                ((Unsafe) unsafe()).resume();
            }
        }

        /** The loop is being closed. */
        @Override
        public void close() {
            unsafe().close(voidPromise());
        }
    }

    private void setInterest(EpollIoOps wanted) {
        if (!wanted.equals(interest)) {
            interest = wanted;
            if (registration != null) {
                registration.submit(wanted);
            }
        }
    }

    // ---- reading

    @Override
    protected void doBeginRead() {
        if (readable) {
            readPending = true;
            setInterest(EpollIoOps.EPOLLIN);
        }
    }

    @Override
    void stopReading() {
        readPending = false;
        if (readable) {
            setInterest(EpollIoOps.NONE);
        }
    }

    @Override
    void readRest() {
        if (isOpen()) {
            readWhatIsThere(true);
            unsafe().close(voidPromise());
        }
    }

    /** @param all whether to read everything, even if other channels are waiting and nothing was requested */
    private void readWhatIsThere(boolean all) {
        var sizes = unsafe().recvBufAllocHandle();
        sizes.reset(config());
        ChannelPipeline pipeline = pipeline();
        boolean ended = false;
        Throwable failure = null;
        readPending = false;
        int total = 0;
        do {
            ByteBuf bytes;
            try {
                bytes = toBeWritten(sizes.allocate(alloc()));
            } catch (OutOfMemoryError e) {
                failure = e;
                break;
            }
            int free = bytes.writableBytes();
            sizes.attemptedBytesRead(free);
            int n = 0;
            try {
                n = bytes.hasMemoryAddress()
                        ? descriptor.readAddress(bytes.memoryAddress(), bytes.writerIndex(), bytes.capacity())
                        : read(bytes, free);
            } catch (IOException e) {
                failure = e;
            }
            sizes.lastBytesRead(n);
            if (n <= 0) {
                bytes.release();
                ended = n < 0;
                break;
            }
            bytes.writerIndex(bytes.writerIndex() + n);
            total += n;
            sizes.incMessagesRead(1);
            pipeline.fireChannelRead(bytes);
        } while (isOpen() && !blocks && (all ? total < LARGEST_PIPE : sizes.continueReading()));
        sizes.readComplete();
        pipeline.fireChannelReadComplete();
        if (failure != null) {
            pipeline.fireExceptionCaught(failure);
            unsafe().close(voidPromise());
        } else if (ended) {
            inputEnded();
        } else if (!readPending && isOpen()) {
            setInterest(EpollIoOps.NONE);
        }
    }

    private int read(ByteBuf bytes, int free) throws IOException {
        ByteBuffer buffer = bytes.internalNioBuffer(bytes.writerIndex(), free);
        return descriptor.read(buffer, buffer.position(), buffer.limit());
    }

    // ---- writing

    @Override
    protected void doWrite(ChannelOutboundBuffer unwritten) throws IOException {
        if (blocks && !writeIsDue) {
            setInterest(unwritten.isEmpty() ? EpollIoOps.NONE : EpollIoOps.EPOLLOUT);
            return;
        }
        writeIsDue = false;
        for (int spins = blocks ? 1 : config().getWriteSpinCount(); !unwritten.isEmpty(); spins--) {
            ByteBuffer[] buffers = unwritten.nioBuffers(64, GATHERED);
            int count = unwritten.nioBufferCount();
            long written = 0;
            if (count > 0 && spins > 0) {
                try {
                    written = blocks ? writeUnblocked(buffers[0]) : descriptor.writev(buffers, 0, count, GATHERED);
                } catch (IOException e) {
                    throw isBrokenPipe(e) ? brokenPipe() : e;
                }
            }
            if (count > 0 && written <= 0) {
                setInterest(EpollIoOps.EPOLLOUT);
                return;
            }
            advance(buffers, written);
            unwritten.removeBytes(written); // also buffers without bytes
        }
        setInterest(EpollIoOps.NONE);
    }

    /**
     * Advances the positions, which the native call does not. The outbound buffer keeps these buffers for the next
     * attempt: the bytes of a partly written buffer would be sent twice.
     */
    private static void advance(ByteBuffer[] buffers, long written) {
        long left = written;
        for (int i = 0; left > 0; i++) {
            ByteBuffer buffer = buffers[i];
            int n = (int) Math.min(left, buffer.remaining());
            buffer.position(buffer.position() + n);
            left -= n;
        }
    }

    /** Of a big buffer, the gathering call would pass all of it. */
    private int writeUnblocked(ByteBuffer buffer) throws IOException {
        return descriptor.write(buffer, buffer.position(), Math.min(buffer.limit(), buffer.position() + UNBLOCKED));
    }

    private static boolean isBrokenPipe(IOException e) {
        return String.valueOf(e.getMessage()).contains("Broken pipe");
    }

    @Override
    ByteBuf toBeWritten(ByteBuf bytes) {
        if (bytes.isDirect()) {
            return bytes;
        }
        ByteBuf direct = alloc().directBuffer(Math.max(bytes.readableBytes(), bytes.capacity()));
        direct.writeBytes(bytes);
        bytes.release();
        return direct;
    }

    private final class Unsafe extends PipeUnsafe {
        /** Does not try before the pipe is ready for more. */
        @Override
        protected void flush0() {
            if (!interest.contains(EpollIoOps.EPOLLOUT)) {
                super.flush0();
            }
        }

        void resume() {
            super.flush0();
        }
    }

    // ---- Netty's side

    @Override
    protected AbstractUnsafe newUnsafe() {
        return new Unsafe();
    }

    @Override
    protected boolean isCompatible(EventLoop loop) {
        return loop instanceof IoEventLoop io && io.isCompatible(EpollIoHandle.class);
    }

    @Override
    protected void doRegister(ChannelPromise promise) {
        ((IoEventLoop) eventLoop()).register(handle).addListener(done -> {
            if (done.isSuccess()) {
                IoRegistration registration = (IoRegistration) done.getNow();
                try {
                    registration.submit(interest);
                } catch (UncheckedIOException e) { // EPERM, EEXIST: only now it comes into epoll
                    registration.cancel();
                    refused = ofThisProcess;
                    IOException cause = Objects.requireNonNull(e.getCause());
                    promise.setFailure(refused ? refusal(cause) : cause);
                    return;
                }
                this.registration = registration;
                promise.setSuccess();
            } else {
                promise.setFailure(done.cause());
            }
        });
    }

    private IllegalArgumentException refusal(IOException cause) {
        return new IllegalArgumentException(
                "Descriptor " + descriptor.intValue() + " cannot be watched: " + cause.getMessage(), cause);
    }

    @Override
    protected void doDeregister() {
        if (registration != null) {
            registration.cancel();
            registration = null;
        }
    }

    @Override
    void release() throws IOException {
        doDeregister(); // before the descriptor number can be reused
        if (!refused) {
            descriptor.close();
        }
    }
}
