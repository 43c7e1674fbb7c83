package asyncio.examples;

import static asyncio.Asyncio.await;
import static asyncio.Asyncio.sleep;

import asyncio.Asyncio;
import java.time.Duration;

/** The first program of asyncio's documentation. */
public final class Hello {
    private Hello() {}

    public static void main(String[] args) throws Exception {
        Asyncio.run(() -> {
            System.out.println("Hello ...");
            await(sleep(Duration.ofSeconds(1)));
            System.out.println("... World!");
        });
    }
}
