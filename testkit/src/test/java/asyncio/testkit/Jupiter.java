package asyncio.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectClass;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

import java.util.List;
import org.junit.platform.engine.TestExecutionResult;
import org.junit.platform.testkit.engine.EngineExecutionResults;
import org.junit.platform.testkit.engine.EngineTestKit;
import org.junit.platform.testkit.engine.Event;

/** Runs sample tests, and returns their outcome. */
final class Jupiter {
    private Jupiter() {}

    static EngineExecutionResults run(Class<?> samples) {
        return EngineTestKit.engine("junit-jupiter")
                .selectors(selectClass(samples))
                .execute();
    }

    static EngineExecutionResults run(Class<?> samples, String method) {
        return EngineTestKit.engine("junit-jupiter")
                .selectors(selectMethod(samples.getName() + "#" + method))
                .execute();
    }

    static EngineExecutionResults runWithSeed(Class<?> samples, String method, long seed) {
        return EngineTestKit.engine("junit-jupiter")
                .selectors(selectMethod(samples.getName() + "#" + method))
                .configurationParameter("asyncio.test.seed", Long.toString(seed))
                .execute();
    }

    /** Returns the failure of a container with an invalid seed. */
    static Throwable runWithWrongSeed(Class<?> samples) {
        return EngineTestKit.engine("junit-jupiter")
                .selectors(selectClass(samples))
                .configurationParameter("asyncio.test.seed", "x")
                .execute()
                .containerEvents()
                .failed()
                .stream()
                .findFirst()
                .orElseThrow()
                .getRequiredPayload(TestExecutionResult.class)
                .getThrowable()
                .orElseThrow();
    }

    /** Returns the error of the only test that failed. */
    static Throwable failureOf(EngineExecutionResults results) {
        List<Event> failed = results.testEvents().failed().list();
        assertThat(failed).as(() -> "failed of " + results.allEvents().list()).hasSize(1);
        return failed.get(0)
                .getRequiredPayload(TestExecutionResult.class)
                .getThrowable()
                .orElseThrow();
    }

    static Throwable failureOf(Class<?> samples, String method) {
        return failureOf(run(samples, method));
    }
}
