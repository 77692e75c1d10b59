/** Connections to an engine that a test can cut, as a network does. */

export interface Way {
  readonly port: number;
  /** Ends all that are open; new ones are taken. */
  cut(): void;
  close(): void;
}

export function openWay(port: number): Way {
  const open = new Set<{ end(): void }>();
  const listener = Bun.listen<{ behind?: Promise<Bun.Socket> }>({
    hostname: "127.0.0.1",
    port: 0,
    socket: {
      open(socket) {
        open.add(socket);
        const back = {
          data: (_: Bun.Socket, bytes: Buffer) => void socket.write(bytes),
          close: () => void socket.end(),
        };
        socket.data = { behind: Bun.connect({ hostname: "127.0.0.1", port, socket: back }) };
      },
      data: (socket, bytes) => void socket.data.behind?.then((behind) => behind.write(bytes)),
      close(socket) {
        open.delete(socket);
        void socket.data.behind?.then((behind) => behind.end());
      },
    },
  });
  const cut = (): void => {
    for (const socket of open) socket.end();
  };
  return {
    port: listener.port,
    cut,
    close() {
      cut();
      listener.stop(true);
    },
  };
}
