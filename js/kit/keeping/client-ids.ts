// Ids of durable streams that belong to clients: `client.<random>`, or `client.<random>.<tag>` for the client of an owner. Nobody guesses one, and the tag binds it to its owner in
// every process, although nothing of the owner is kept.

import { builtin } from '../start/builtin.js'

const { createHash, randomBytes } = builtin('node:crypto')

const PREFIX = 'client.'
const ID = /^client\.([\w-]{24})(?:\.([\w-]{24}))?$/

/** A new one. */
export function clientId(owner: string | undefined): string {
  const random = randomBytes(18).toString('base64url')
  return owner === undefined ? PREFIX + random : `${PREFIX}${random}.${tagOf(random, owner)}`
}

/** Whether this is an id of the client of that owner. */
export function isClientId(id: string, owner: string | undefined): boolean {
  const [, random, tag] = ID.exec(id) ?? []
  return random !== undefined && tag === (owner === undefined ? undefined : tagOf(random, owner))
}

/** Whether the stream of this id belongs to a client, whoever that is. */
export function isOfClient(id: string): boolean {
  return ID.test(id)
}

function tagOf(random: string, owner: string): string {
  return createHash('sha256').update(`${random} ${owner}`).digest('base64url').slice(0, 24)
}
