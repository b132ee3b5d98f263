// Many who wait for one connection to end, with one listener on it: Node warns of more than ten, and pipelined requests may be any number.

import type { Socket } from 'node:net'

const lists = new WeakMap<Socket, Set<() => void>>()

/** Calls `heard` when the connection ends. Answers what ends that. */
export function onConnectionEnd(socket: Socket, heard: () => void): () => void {
  const list = lists.get(socket)
  if (list === undefined) {
    lists.set(socket, new Set([heard]))
    socket.on('close', tell)
  } else list.add(heard)
  return () => forget(socket, heard)
}

function forget(socket: Socket, heard: () => void): void {
  const list = lists.get(socket)
  if (list === undefined || !list.delete(heard) || list.size > 0) return
  lists.delete(socket)
  socket.off('close', tell)
}

function tell(this: Socket): void {
  for (const heard of lists.get(this) ?? []) heard()
}
