package asyncio;

import org.jspecify.annotations.Nullable;

/** A time limit around the current step of a task; its timer is set when the task suspends. */
interface UnarmedLimit {
    /** Returns the next limit outwards. */
    @Nullable UnarmedLimit nextUnarmed();

    void setNextUnarmed(@Nullable UnarmedLimit next);

    /** Sets the timer, because the task is about to suspend; this is not in its list any more. */
    void arm();
}
