import asyncio.examples.Countdown;
