import static asyncio.Asyncio.*;
import static java.nio.charset.StandardCharsets.UTF_8;
import asyncio.*;
import asyncio.bridge.*;
import asyncio.queue.*;
import asyncio.queue.Queue;
import asyncio.streams.*;
import asyncio.subprocess.*;
import asyncio.sync.*;
import asyncio.testkit.*;
import java.io.*;
import java.nio.file.*;
import java.time.Duration;
import java.util.*;
import java.util.function.*;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

interface Log {
    void info(String format, Object argument);
    void warn(String text, Throwable error);
    void warn(String format, Object first, Object second);
}
Log log;
