// A stream function for a worker thread that takes an event when it is told to, over a BroadcastChannel named as its first event says, where it says first
// that it is ready.

export async function* taking(events, { signal }) {
  let channel
  let told = () => {}
  signal.addEventListener('abort', () => told())
  let left = 0
  for await (const event of events) {
    if (channel === undefined) {
      channel = new BroadcastChannel(String(event))
      channel.postMessage('ready')
    }
    channel.onmessage = ({ data }) => {
      left += data
      told()
    }
    while (left === 0 && !signal.aborted) {
      await new Promise((resolve) => {
        told = resolve
      })
    }
    left--
  }
  channel?.close()
}
