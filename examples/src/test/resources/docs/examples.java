import asyncio.examples.*;
