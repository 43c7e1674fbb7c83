import static asyncio.subprocess.Stdio.*;

Path repository;
