package asyncio;

import org.jspecify.annotations.Nullable;

/** A time limit around the step that a task takes, whose timer is set when the task suspends. */
interface UnarmedLimit {
    /** The next one out. */
    @Nullable UnarmedLimit nextUnarmed();

    void setNextUnarmed(@Nullable UnarmedLimit next);

    /** The task is about to suspend; this is not in its list any more. */
    void arm();
}
