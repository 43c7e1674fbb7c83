package asyncio;

/** A Reactor operator that is reported if it is never subscribed to. */
interface TrackedOperator {
    /** Marks the operator as subscribed, or as owned by code that decides whether to subscribe. */
    void subscribed();
}
