// By which names this server may be asked. A page of another name may let its name lead here (DNS rebinding); then its requests are of the same origin for the browser, and only the
// name tells. Which pages may ask is said in origins.ts.

import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { hostnameOf, isLoopback, LOOPBACK } from '../../kit/this-machine.js'
import type { Refusal } from './reply.js'

export const OTHER_HOST: Refusal = {
  status: 403,
  code: 'FORBIDDEN_HOST',
  message: 'the Host header names another host; createServer({ hosts }) lists those that are allowed',
}

/** The names of a server that listens at `address`, or `undefined` for all. */
export function namesOf(hosts: readonly string[] | undefined, address: string): readonly string[] | undefined {
  return hosts?.map((name) => name.toLowerCase()) ?? (isLoopback(address) ? LOOPBACK : undefined)
}

/** An address is no name that could lead elsewhere, and who names none is no browser. */
export function hostAllowed({ headers }: IncomingMessage, names: readonly string[] | undefined): boolean {
  const name = names === undefined ? undefined : hostnameOf(headers)
  return name === undefined || names?.includes(name) === true || isIP(name) !== 0 || name.startsWith('[')
}
