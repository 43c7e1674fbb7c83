package asyncio;

import org.jspecify.annotations.Nullable;

/** A time limit around the step that a task takes, whose timer is set when the task suspends. */
interface Unarmed {
    /** The next one out. */
    @Nullable Unarmed nextUnarmed();

    void setNextUnarmed(@Nullable Unarmed next);

    /** The task is about to suspend; this is not in its list any more. */
    void arm();
}
