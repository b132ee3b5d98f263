// route: each event goes to one of several named functions. Owns: the selector, and what becomes of events that no route wants.

import { type StreamContext, VeloError } from '../../index.js'
import { configError, integer, onlyKnown } from '../../kit/check.js'
import { silenceIfPromise } from '../../kit/promises.js'
import { type By, reader } from '../engine/by.js'
import { type HandMade, handMade } from '../engine/hand-made.js'
import { checkInner, type Inner, type InnerIn, type InnerOut } from '../engine/inner.js'
import { Lane, type LaneOwner } from '../engine/lane.js'
import type { Failure } from '../engine/yielder.js'
import { Fan } from './fan.js'

/** Named functions. */
export type Routes = Readonly<Record<string, Inner<never, unknown>>>

/** The events that some routes take. */
export type RouteIn<Taken extends Routes> = {
  [Name in keyof Taken]: InnerIn<Taken[Name]>
}[keyof Taken]

/** The results of some routes, each with the name of its own. */
export type Routed<Taken extends Routes> = {
  [Name in keyof Taken & string]: { route: Name; value: InnerOut<Taken[Name]> }
}[keyof Taken & string]

/** Options of `route`. */
export interface RouteOptions<Name extends string = string> {
  /** What becomes of an event whose route does not exist: it fails the stream with `VELO_EVENT`, is dropped and counted, or goes to this route. Default `'fail'`. */
  otherwise?: 'fail' | 'drop' | { route: Name } | undefined
  /** How many events may wait for one route, and how many results until the functions suspend (each holds one more). Integer from 1. Default 256. */
  buffer?: number | undefined
}

/** Numbers of a route beside its metrics. */
export interface RouteNumbers {
  /** Events given to each route. */
  readonly routed: Readonly<Record<string, number>>
  /** Events that no route took: unknown ones with `otherwise: 'drop'`, and those of a route whose function had returned. */
  readonly unrouted: number
}

interface Plan {
  readonly select: (event: unknown) => unknown
  readonly routes: Routes
  readonly otherwise: 'fail' | 'drop' | { route: string }
  readonly buffer: number
}

class Branch extends Lane<unknown, unknown> {
  readonly name: string
  finished = false

  constructor(owner: LaneOwner<unknown>, name: string) {
    super(owner)
    this.name = name
  }
}

class RouteFan extends Fan<unknown, unknown, unknown, { route: string; value: unknown }> {
  readonly #plan: Plan
  readonly #totals: { routed: Record<string, number>; unrouted: number }
  readonly #branches = new Map<string, Branch>()
  #heldBranch: Branch | undefined

  constructor(
    events: AsyncIterator<unknown>,
    ctx: StreamContext,
    plan: Plan,
    totals: { routed: Record<string, number>; unrouted: number },
  ) {
    super(events, ctx, plan.buffer)
    this.#plan = plan
    this.#totals = totals
  }

  protected accept(event: unknown, again: boolean): boolean {
    const branch = again ? this.#heldBranch : this.#branchOf(event)
    this.#heldBranch = branch
    if (this.isLeaving) return false
    if (branch === undefined || branch.finished) {
      this.#totals.unrouted++
      return true
    }
    if (!branch.events.isWaiting && branch.events.size >= this.#plan.buffer) return false
    branch.push(event)
    this.#totals.routed[branch.name] = (this.#totals.routed[branch.name] ?? 0) + 1
    return true
  }

  protected collect(lane: Branch, value: unknown): void {
    this.give({ route: lane.name, value })
  }

  protected gone(lane: Branch): void {
    lane.finished = true
    this.#totals.unrouted += lane.events.cut()
    if (this.lanes.size === 0 && this.#branches.size === Object.keys(this.#plan.routes).length) this.stopSource()
  }

  protected endLanes(failure: Failure | undefined): void {
    for (const branch of this.#branches.values()) branch.events.end(failure)
  }

  /** The instance of a route starts with its first event. */
  #branchOf(event: unknown): Branch | undefined {
    const { select, routes, otherwise } = this.#plan
    let name = select(event)
    // It may have ended the stream.
    if (this.isLeaving) return undefined
    if (typeof name !== 'string' || !Object.hasOwn(routes, name)) {
      silenceIfPromise(name)
      if (otherwise === 'drop') return undefined
      if (otherwise === 'fail') throw unknownRoute(routes, name)
      name = otherwise.route
    }
    const known = this.#branches.get(name as string)
    if (known !== undefined) return known
    const branch = new Branch(this, name as string)
    this.#branches.set(branch.name, branch)
    this.lanes.add(branch)
    this.startLane(branch, routes[branch.name] as Inner<unknown, unknown>, 'call')
    return branch
  }
}

/**
 * Gives each event to the function that `selector` names and yields `{ route, value }`. Each function runs once per stream, from its first event on; routes run side by
 * side, and within a route the order is kept. With a route's buffer full the source is held back.
 *
 * What a function throws fails the stream, untouched; the others get return(). A function that returns early takes no more; once all have, the stream ends.
 *
 * @example
 * const handle = route('kind', { order: total, click: count }, { otherwise: 'drop' })
 *
 * @param selector The name of a property of the event, or a function; it gives the name of a route.
 * @throws VeloError `VELO_CONFIG` when an option is unknown or out of range.
 */
export function route<const Taken extends Routes>(
  selector: By<RouteIn<Taken>>,
  routes: Taken,
  options: RouteOptions<keyof Taken & string> = {},
): HandMade<RouteIn<Taken>, Routed<Taken>, RouteNumbers> {
  onlyKnown(options, 'route(options)', ['otherwise', 'buffer'])
  if (typeof routes !== 'object' || routes === null || Object.keys(routes).length === 0)
    throw configError('route(routes)', 'an object of functions, at least one', routes)
  for (const [name, fn] of Object.entries(routes)) checkInner(fn, `route(routes).${name}`)
  const { otherwise = 'fail' } = options
  const isRoute = typeof otherwise === 'object' && otherwise !== null && Object.hasOwn(routes, otherwise.route)
  if (otherwise !== 'fail' && otherwise !== 'drop' && !isRoute)
    throw configError('route(options).otherwise', "'fail', 'drop' or { route: 'the name of a route' }", otherwise)
  const plan = {
    select: reader(selector, 'route(selector)') as (event: unknown) => unknown,
    routes,
    otherwise,
    buffer: integer(options.buffer, 'route(options).buffer', 1, 256),
  }
  const made = handMade<unknown, { route: string; value: unknown }, RouteNumbers>({ name: 'route' }, () => {
    const numbers = { routed: {}, unrouted: 0 }
    return { body: (events, ctx) => new RouteFan(events, ctx, plan, numbers), numbers }
  })
  return made as unknown as HandMade<RouteIn<Taken>, Routed<Taken>, RouteNumbers>
}

function unknownRoute(routes: Routes, name: unknown): VeloError {
  const names = Object.keys(routes).join(', ')
  return new VeloError('VELO_EVENT', `route(selector): expected one of ${names}, got ${String(name)} (${typeof name})`, {
    field: 'route(selector)',
  })
}
