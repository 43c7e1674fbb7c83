package asyncio;

/** Something of Reactor's that is reported if nothing ever subscribes to it. */
interface TrackedOperator {
    /** Something does, or will see to it, or has decided that it need not be. */
    void subscribed();
}
