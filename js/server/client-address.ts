// The address of a client, also behind proxies. The semantics are those of `trust proxy` of Express: from the address of the connection to the left through `X-Forwarded-For`, the first that is
// not trusted is the client's.

import type { IncomingMessage } from 'node:http'
import { BlockList, isIP } from 'node:net'
import { configError } from '../kit/check.js'

/** Whether a proxy at this address is trusted, which is so many hops away (from 0). */
export type Trust = (address: string, hop: number) => boolean

export type TrustProxy = boolean | number | string | readonly string[] | Trust

const NAMED: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1/128'],
  linklocal: ['169.254.0.0/16', 'fe80::/10'],
  uniquelocal: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
}

/** Checks the option. Throws `VELO_CONFIG`. */
export function trustOf(option: TrustProxy | undefined, field: string): Trust | undefined {
  if (option === undefined || option === false || option === 0) return undefined
  if (option === true) return () => true
  if (typeof option === 'function') return option
  if (Number.isInteger(option) && (option as number) > 0) return (_, hop) => hop < (option as number)
  const texts = typeof option === 'string' ? option.split(',').map((text) => text.trim()) : option
  if (!Array.isArray(texts) || texts.length === 0) throw configError(field, 'true, a number of hops, addresses, or a function', option)
  const list = new BlockList()
  for (const text of texts) for (const subnet of (Object.hasOwn(NAMED, text) && NAMED[text]) || [text]) add(list, subnet, field)
  return (address) => isIP(address) !== 0 && list.check(address, family(address))
}

/** The address that stands for the client. */
export function clientAddress({ socket, headers }: IncomingMessage, trust: Trust | undefined): string {
  let address = plain(socket.remoteAddress ?? '')
  if (trust === undefined) return address
  const forwarded = String(headers['x-forwarded-for'] ?? '')
  const addresses = forwarded === '' ? [] : forwarded.split(',')
  for (let hop = 0; addresses.length > 0 && trust(address, hop); hop++) address = plain((addresses.pop() as string).trim())
  return address
}

function add(list: BlockList, subnet: string, field: string): void {
  const [address = '', length] = subnet.split('/', 2)
  const most = isIP(address) === 6 ? 128 : 32
  const bits = length === undefined ? most : /^\d{1,3}$/.test(length) ? Number(length) : Number.NaN
  if (isIP(address) === 0 || !(bits <= most))
    throw configError(field, "addresses, subnets as '10.0.0.0/8', 'loopback', 'linklocal' or 'uniquelocal'", subnet)
  list.addSubnet(address, bits, family(address))
}

function family(address: string): 'ipv4' | 'ipv6' {
  return isIP(address) === 6 ? 'ipv6' : 'ipv4'
}

/** An address of IPv4 as such, also if the socket takes both, and one of IPv6 without its zone. */
function plain(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address.replace(/%.*/, '')
}
