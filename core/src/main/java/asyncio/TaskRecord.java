package asyncio;

import org.jspecify.annotations.Nullable;

/**
 * The numbers of one task whose end is recorded: steps, and how long they took. It takes the place of the task's name,
 * which it has, so that a task that is not recorded is no bigger for it.
 *
 * <p>Steps are told by the owner of the loop; the name is anybody's.
 */
interface TaskRecord {
    /** Returns the name that the task was given, if it was. */
    @Nullable String givenName();

    void rename(String name);

    /** A step begins. Steps of one task do not overlap. */
    void stepBegins();

    /** The step is over; after the task's end this does nothing. */
    void stepEnds();
}
