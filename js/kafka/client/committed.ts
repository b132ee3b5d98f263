// What was read of transactions, without those that were aborted. The client takes the broker's list of them to be in the order in which they began; it is in the order in which they ended. Where transactions lie side by
// side it lets aborted messages through then, and may leave out messages that were committed. So the answers of the broker are put right before the client looks at them.

interface Message {
  readonly offset: string
  readonly key: Buffer | null
  readonly batchContext?: { readonly producerId: string; readonly inTransaction: boolean }
  isControlRecord?: boolean
}

interface PartitionData {
  readonly messages: readonly Message[]
  abortedTransactions?: readonly { readonly producerId: string; readonly firstOffset: string }[] | null
}

interface BrokerLike {
  fetch(request: object): Promise<{ responses: readonly { partitions: readonly PartitionData[] }[] }>
}

/** Puts the answers right of all brokers that this cluster finds. */
export function committedOnly(cluster: object): void {
  const own = cluster as { findBroker(node: object): Promise<object> }
  const find = own.findBroker
  const known = new WeakSet<object>()
  own.findBroker = async (node) => {
    const found = await find.call(own, node)
    if (!known.has(found)) {
      known.add(found)
      putRight(found as BrokerLike)
    }
    return found
  }
}

function putRight(broker: BrokerLike): void {
  const { fetch } = broker
  broker.fetch = async (request) => {
    const answer = await fetch.call(broker, request)
    for (const { partitions } of answer.responses) for (const data of partitions) withoutAborted(data)
    return answer
  }
}

/** The end of a transaction that was aborted: the version of the record, and its type. */
const ABORTED = '00000000'

/** Messages of aborted transactions are made what the client leaves out anyway; left out here, it would not know that they were read. */
export function withoutAborted(data: PartitionData): void {
  const { abortedTransactions } = data
  if (abortedTransactions === undefined || abortedTransactions === null || abortedTransactions.length === 0) return
  const begins = abortedTransactions
    .map(({ producerId, firstOffset }) => ({ producerId, first: Number(firstOffset) }))
    .sort((a, b) => a.first - b.first)
  const aborted = new Set<string>()
  let next = 0
  for (const message of data.messages) {
    for (; next < begins.length && (begins[next]?.first ?? 0) <= Number(message.offset); next++) aborted.add(begins[next]?.producerId ?? '')
    const { producerId = '', inTransaction = false } = message.batchContext ?? {}
    if (message.isControlRecord === true) {
      if (message.key?.toString('hex') === ABORTED) aborted.delete(producerId)
    } else if (inTransaction && aborted.has(producerId)) message.isControlRecord = true
  }
  data.abortedTransactions = []
}
