"""Gives a server on this machine the latency of one that is far away.

Every answer comes so many milliseconds later; bandwidth stays what it is::

    python benchmarks/delay.py --listen 8334 --server 8333 --milliseconds 20
"""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter

import click


@click.command()
@click.option("--listen", type=int, required=True, help="Port of 127.0.0.1.")
@click.option("--server", type=int, required=True, help="Port of the server on 127.0.0.1.")
@click.option("--milliseconds", type=float, required=True)
def main(listen: int, server: int, milliseconds: float) -> None:
    """Pass on connections until the process is told to end."""
    asyncio.run(serve(listen, server, milliseconds / 1000))


async def serve(listen: int, server: int, delay: float) -> None:
    async def connected(reader: StreamReader, writer: StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", server)
        except ConnectionError:
            writer.close()  # The server is not there yet, or not any more.
            return
        await asyncio.gather(copy(reader, far_writer, 0), copy(far_reader, writer, delay))

    async with await asyncio.start_server(connected, "127.0.0.1", listen) as listening:
        await listening.serve_forever()


async def copy(reader: StreamReader, writer: StreamWriter, delay: float) -> None:
    """Write what is read, each piece after so many seconds."""
    loop = asyncio.get_running_loop()
    try:
        while piece := await reader.read(2**16):
            loop.call_later(delay, writer.write, piece)
    except ConnectionError:
        pass
    finally:
        loop.call_later(delay, writer.close)


if __name__ == "__main__":
    main()
