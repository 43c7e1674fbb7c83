package asyncio.spring;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.convert.DurationUnit;

/**
 * Properties with the prefix {@code asyncio}. Those that the library reads once per process become system properties
 * before its first class is used, unless these are already set; null leaves the library's default.
 *
 * @since 0.1
 */
@ConfigurationProperties("asyncio")
public class AsyncioProperties {
    /** Context propagation of ThreadLocals (MDC, Observation) into bodies: auto, or off. */
    private @Nullable ContextPropagation contextPropagation;
    /** Registration of the loops for JMX at the start. */
    private @Nullable Boolean jmx;

    private final Loops loops = new Loops();
    private final Bodies bodies = new Bodies();
    private final Debug debug = new Debug();
    private final Watchdog watchdog = new Watchdog();
    private final Netty netty = new Netty();
    private final Shutdown shutdown = new Shutdown();
    private final Health health = new Health();
    private final Metrics metrics = new Metrics();

    /** Creates properties with their defaults. */
    public AsyncioProperties() {}

    /** Returns whether ThreadLocals are propagated, or null for the default. */
    public @Nullable ContextPropagation getContextPropagation() {
        return contextPropagation;
    }

    /** Changes {@link #getContextPropagation}. */
    public void setContextPropagation(@Nullable ContextPropagation contextPropagation) {
        this.contextPropagation = contextPropagation;
    }

    /** Returns whether the loops are registered for JMX, or null for the default. */
    public @Nullable Boolean getJmx() {
        return jmx;
    }

    /** Changes {@link #getJmx}. */
    public void setJmx(@Nullable Boolean jmx) {
        this.jmx = jmx;
    }

    /** Returns the properties of the shared loops. */
    public Loops getLoops() {
        return loops;
    }

    /** Returns the properties of the threads of bodies. */
    public Bodies getBodies() {
        return bodies;
    }

    /** Returns the properties of debug mode. */
    public Debug getDebug() {
        return debug;
    }

    /** Returns the properties of the watchdog. */
    public Watchdog getWatchdog() {
        return watchdog;
    }

    /** Returns the properties of Reactor Netty's resources. */
    public Netty getNetty() {
        return netty;
    }

    /** Returns the properties of the shutdown. */
    public Shutdown getShutdown() {
        return shutdown;
    }

    /** Returns the properties of the health indicator. */
    public Health getHealth() {
        return health;
    }

    /** Returns the properties of the metrics. */
    public Metrics getMetrics() {
        return metrics;
    }

    /** Values of {@code asyncio.context-propagation}. */
    public enum ContextPropagation {
        /** If the context-propagation library is on the class path. */
        AUTO,
        /** Never. */
        OFF
    }

    /** The shared loops. */
    public static class Loops {
        /** Number of shared loops; one per processor by default. */
        private @Nullable Integer size;
        /** Transport of new loops. */
        private @Nullable Transport transport;

        /** Creates properties with their defaults. */
        public Loops() {}

        /** Values of {@code asyncio.loops.transport}. */
        public enum Transport {
            /** Epoll if its native library is available, else NIO. */
            AUTO,
            /** Linux only. */
            EPOLL,
            /** Everywhere. */
            NIO
        }

        /** Returns the number of shared loops, or null for one per processor. */
        public @Nullable Integer getSize() {
            return size;
        }

        /** Changes {@link #getSize}. */
        public void setSize(@Nullable Integer size) {
            this.size = size;
        }

        /** Returns the transport of new loops, or null for the default. */
        public @Nullable Transport getTransport() {
            return transport;
        }

        /** Changes {@link #getTransport}. */
        public void setTransport(@Nullable Transport transport) {
            this.transport = transport;
        }
    }

    /** The threads of bodies. */
    public static class Bodies {
        /** Threads that bodies run on. */
        private @Nullable Kind kind;
        /** Maximum number of platform threads for bodies, in all loops together. */
        private @Nullable Integer max;

        /** Creates properties with their defaults. */
        public Bodies() {}

        /** Values of {@code asyncio.bodies.kind}. */
        public enum Kind {
            /** The first kind available. */
            AUTO,
            /** Carried by the loop's thread. */
            CARRIER,
            /** Virtual threads. */
            VIRTUAL,
            /** Platform threads. */
            PLATFORM
        }

        /** Returns the kind of threads, or null for the default. */
        public @Nullable Kind getKind() {
            return kind;
        }

        /** Changes {@link #getKind}. */
        public void setKind(@Nullable Kind kind) {
            this.kind = kind;
        }

        /** Returns the maximum number of platform threads, or null for the default. */
        public @Nullable Integer getMax() {
            return max;
        }

        /** Changes {@link #getMax}. */
        public void setMax(@Nullable Integer max) {
            this.max = max;
        }
    }

    /** Debug mode. */
    public static class Debug {
        /** Debug mode of new loops. */
        private @Nullable Boolean enabled;
        /** Search for Monos of other libraries that were assembled on a loop and forgotten. */
        private @Nullable Boolean operators;
        /** Longest time that a callback or a step may take in debug mode; milliseconds unless a unit is given. */
        @DurationUnit(ChronoUnit.MILLIS)
        private @Nullable Duration slowCallback;

        /** Creates properties with their defaults. */
        public Debug() {}

        /** Returns whether debug mode is on, or null for the default. */
        public @Nullable Boolean getEnabled() {
            return enabled;
        }

        /** Changes {@link #getEnabled}. */
        public void setEnabled(@Nullable Boolean enabled) {
            this.enabled = enabled;
        }

        /** Returns whether to search for forgotten operators, or null for the default. */
        public @Nullable Boolean getOperators() {
            return operators;
        }

        /** Changes {@link #getOperators}. */
        public void setOperators(@Nullable Boolean operators) {
            this.operators = operators;
        }

        /** Returns the longest time that a callback may take, or null for the default. */
        public @Nullable Duration getSlowCallback() {
            return slowCallback;
        }

        /** Changes {@link #getSlowCallback}. */
        public void setSlowCallback(@Nullable Duration slowCallback) {
            this.slowCallback = slowCallback;
        }
    }

    /** The watchdog. */
    public static class Watchdog {
        /** Longest time that a step of a loop may take before it is reported; milliseconds unless a unit is given. */
        @DurationUnit(ChronoUnit.MILLIS)
        private @Nullable Duration step;
        /**
         * Longest time that a loop may wait for its thread before that is reported; milliseconds unless a unit is
         * given.
         */
        @DurationUnit(ChronoUnit.MILLIS)
        private @Nullable Duration unclaimed;

        /** Creates properties with their defaults. */
        public Watchdog() {}

        /** Returns the longest time that a step may take, or null for the default. */
        public @Nullable Duration getStep() {
            return step;
        }

        /** Changes {@link #getStep}. */
        public void setStep(@Nullable Duration step) {
            this.step = step;
        }

        /** Returns the longest time that a loop may wait for its thread, or null for the default. */
        public @Nullable Duration getUnclaimed() {
            return unclaimed;
        }

        /** Changes {@link #getUnclaimed}. */
        public void setUnclaimed(@Nullable Duration unclaimed) {
            this.unclaimed = unclaimed;
        }
    }

    /** Reactor Netty's resources. */
    public static class Netty {
        /** Use of the shared loops by the web server and HTTP clients of Reactor Netty. */
        private boolean enabled = true;

        /** Creates properties with their defaults. */
        public Netty() {}

        /** Returns whether the server and the clients run on the shared loops. */
        public boolean isEnabled() {
            return enabled;
        }

        /** Changes {@link #isEnabled}. */
        public void setEnabled(boolean enabled) {
            this.enabled = enabled;
        }
    }

    /** The shutdown of a context. */
    public static class Shutdown {
        /** Time that the last context of the process gives the remaining tasks, which it has cancelled, to end. */
        private Duration timeout = Duration.ofSeconds(10);

        /** Creates properties with their defaults. */
        public Shutdown() {}

        /** Returns the time to wait for tasks. */
        public Duration getTimeout() {
            return timeout;
        }

        /** Changes {@link #getTimeout}. */
        public void setTimeout(Duration timeout) {
            this.timeout = timeout;
        }
    }

    /** The health indicator. */
    public static class Health {
        /** Longest time that a loop may take to answer before the application counts as down. */
        private Duration limit = Duration.ofSeconds(1);

        /** Creates properties with their defaults. */
        public Health() {}

        /** Returns the longest time that a loop may take to answer. */
        public Duration getLimit() {
            return limit;
        }

        /** Changes {@link #getLimit}. */
        public void setLimit(Duration limit) {
            this.limit = limit;
        }
    }

    /** The metrics. */
    public static class Metrics {
        /** Binding of the meters of the loops to the application's registry. */
        private boolean enabled = true;

        /** Creates properties with their defaults. */
        public Metrics() {}

        /** Returns whether the meters are bound. */
        public boolean isEnabled() {
            return enabled;
        }

        /** Changes {@link #isEnabled}. */
        public void setEnabled(boolean enabled) {
            this.enabled = enabled;
        }
    }
}
