package asyncio.subprocess;

import asyncio.EventLoop;
import asyncio.ExceptionContext;
import asyncio.streams.BaseProtocol;
import asyncio.streams.Opened;
import asyncio.streams.Protocol;
import asyncio.streams.StreamConnection;
import asyncio.streams.Transport;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import reactor.core.publisher.Mono;
import reactor.util.context.ContextView;

/**
 * A {@link SubprocessTransport} over a {@link Subprocess}: passes the data of the pipes to its protocol. On the loop.
 */
final class ChildTransport implements SubprocessTransport {
    private static final int PIPES = 3;

    private final Subprocess child;
    private final EventLoop loop;
    private final ContextView context;
    private final @Nullable Transport[] pipes = new Transport[PIPES];
    private volatile SubprocessProtocol protocol;
    private volatile boolean closed;

    /** The number of pipes for which the end has not been reported. */
    private int openPipes;

    private boolean exited;

    private ChildTransport(Subprocess child, SubprocessProtocol protocol, ContextView context) {
        this.child = child;
        this.loop = child.loop();
        this.protocol = protocol;
        this.context = context;
    }

    /** Puts a protocol on a child that was just started, and calls its {@code connectionMade}; on the loop. */
    static <P extends SubprocessProtocol> Opened<SubprocessTransport, P> open(
            Subprocess child, Supplier<? extends P> factory, ContextView context) {
        AtomicReference<@Nullable P> made = new AtomicReference<>();
        child.loop().runInContext(() -> made.set(factory.get()), context);
        P protocol = Objects.requireNonNull(made.get(), "The protocol factory returned null");
        ChildTransport transport = new ChildTransport(child, protocol, context);
        transport.begin();
        return new Opened<>(transport, protocol);
    }

    private void begin() {
        for (int fd = 0; fd < PIPES; fd++) {
            StreamConnection pipe = child.connection(fd);
            if (pipe != null) {
                Transport transport = pipe.writer().transport();
                transport.setProtocol(new Pipe(fd));
                pipes[fd] = transport;
                openPipes++;
            }
        }
        call("connectionMade", () -> protocol.connectionMade(this));
        child.exit().addDoneCallback(exit -> exited());
    }

    // ---- events

    /** The protocol of one pipe. */
    private final class Pipe implements Protocol {
        private final int fd;

        Pipe(int fd) {
            this.fd = fd;
        }

        @Override
        public void dataReceived(byte[] data) {
            call("pipeDataReceived", () -> protocol.pipeDataReceived(fd, data));
        }

        @Override
        public void connectionLost(@Nullable Throwable cause) {
            call("pipeConnectionLost", () -> protocol.pipeConnectionLost(fd, cause));
            openPipes--;
            finishIfOver();
        }

        @Override
        public void pauseWriting() {
            callForPace("pauseWriting", protocol::pauseWriting);
        }

        @Override
        public void resumeWriting() {
            callForPace("resumeWriting", protocol::resumeWriting);
        }
    }

    private void exited() {
        if (!loop.netty().inEventLoop()) {
            return; // the loop and the pipes are closed: the protocol is not called any more
        }
        exited = true;
        call("processExited", () -> protocol.processExited());
        Transport stdin = pipes[0];
        if (stdin != null) {
            stdin.close(); // where a thread writes, it does not notice that there is no reader
        }
        finishIfOver();
    }

    private void finishIfOver() {
        if (exited && openPipes == 0) {
            openPipes = -1; // once
            closed = true;
            call("connectionLost", () -> protocol.connectionLost(null));
        }
    }

    private void call(String method, Runnable call) {
        try {
            loop.runInContext(call, context);
        } catch (Throwable e) {
            try {
                report("Fatal error: protocol." + method + "() call failed.", e);
            } finally {
                close();
            }
        }
    }

    private void callForPace(String method, Runnable call) {
        try {
            loop.runInContext(call, context);
        } catch (Throwable e) {
            report("protocol." + method + "() failed", e);
        }
    }

    private void report(String message, Throwable error) {
        loop.callExceptionHandler(ExceptionContext.of(message)
                .exception(error)
                .transport(this)
                .protocol(protocol)
                .build());
    }

    // ---- state

    @Override
    public long getPid() {
        return child.pid();
    }

    @Override
    public OptionalInt getReturnCode() {
        return child.returnCode();
    }

    @Override
    public @Nullable Transport getPipeTransport(int fd) {
        if (fd < 0 || fd >= PIPES) {
            throw new IllegalArgumentException("A child has the pipes 0, 1 and 2, not " + fd);
        }
        return pipes[fd];
    }

    @Override
    public @Nullable Object getExtraInfo(String name, @Nullable Object defaultValue) {
        return Objects.requireNonNull(name, "name").equals("subprocess") ? child : defaultValue;
    }

    @Override
    public EventLoop getLoop() {
        return loop;
    }

    @Override
    public BaseProtocol<?> getProtocol() {
        return protocol;
    }

    @Override
    public void setProtocol(BaseProtocol<?> protocol) {
        if (!(protocol instanceof SubprocessProtocol ofChildren)) {
            throw new IllegalArgumentException(
                    "The protocol of a child process must be a SubprocessProtocol, not " + protocol);
        }
        this.protocol = ofChildren;
    }

    // ---- its end

    @Override
    public Mono<Void> sendSignal(String signal) {
        return child.sendSignal(signal);
    }

    @Override
    public void terminate() {
        child.terminate();
    }

    @Override
    public void kill() {
        child.kill();
    }

    @Override
    public boolean isClosing() {
        return closed;
    }

    @Override
    public void close() {
        closed = true;
        if (child.returnCode().isEmpty()) {
            try {
                child.kill(); // before it sees the end of its stdin
            } catch (ProcessLookupException e) {
                // it has just exited
            }
        }
        for (Transport pipe : pipes) {
            if (pipe != null) {
                pipe.close();
            }
        }
    }

    /** {@code <SubprocessTransport of <Subprocess cat, pid 42, running>>}. */
    @Override
    public String toString() {
        return "<SubprocessTransport of " + child + ">";
    }
}
