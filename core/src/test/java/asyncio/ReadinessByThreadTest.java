package asyncio;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

/** The same tests with the thread that watches channels for loops on epoll that cannot nest a selector. */
class ReadinessByThreadTest extends ReadinessTest {
    @BeforeAll
    static void byThread() {
        System.setProperty("asyncio.selector", "thread");
    }

    @AfterAll
    static void byItself() {
        System.clearProperty("asyncio.selector");
    }
}
