// `instrument()`: OpenTelemetry. A span for each stream, in whose context its function runs on either placement, and the metrics as observable instruments.

import type { MeterProvider, TracerProvider } from '@opentelemetry/api'
import { configError, onlyKnown } from '../kit/check.js'
import { traceWith } from '../kit/sight/stream-tracer.js'
import { required } from '../kit/start/late.js'
import { meter } from './meter.js'
import { Spans } from './spans.js'

/** Options of `instrument`. At least one of the two. */
export interface InstrumentOptions {
  /** Makes the spans. */
  tracerProvider?: TracerProvider | undefined
  /** Takes the metrics. */
  meterProvider?: MeterProvider | undefined
  /** As with `metricsText`. Default 100. */
  maxNames?: number | undefined
}

/** Instruments no more. */
export type Uninstrument = () => void

const FIELD = 'instrument(options)'

/**
 * Hands metrics and a span of each stream to OpenTelemetry, from now on. Resolves when `@opentelemetry/api` is loaded, with what ends it. Of several tracers, the one given last has the
 * spans. Once for each thread: on a worker thread, in a module of its functions, it makes the context of the stream that of the function.
 *
 * @throws VeloError `VELO_CONFIG` when an option is missing, unknown or out of range, or where `@opentelemetry/api` is not installed.
 */
export async function instrument(options: InstrumentOptions): Promise<Uninstrument> {
  onlyKnown(options, FIELD, ['tracerProvider', 'meterProvider', 'maxNames'])
  const { tracerProvider, meterProvider, maxNames } = options
  if (tracerProvider === undefined && meterProvider === undefined)
    throw configError(`${FIELD}.tracerProvider`, 'a TracerProvider, or a meterProvider', undefined)
  if (tracerProvider !== undefined && typeof tracerProvider?.getTracer !== 'function')
    throw configError(`${FIELD}.tracerProvider`, 'a TracerProvider', tracerProvider)
  if (meterProvider !== undefined && typeof meterProvider?.getMeter !== 'function')
    throw configError(`${FIELD}.meterProvider`, 'a MeterProvider', meterProvider)
  const api = openTelemetry()
  const unmeter = meterProvider === undefined ? undefined : meter(meterProvider, maxNames, FIELD)
  const untrace = tracerProvider === undefined ? undefined : traceWith(new Spans(api, tracerProvider))
  return () => {
    untrace?.()
    unmeter?.()
  }
}

function openTelemetry(): typeof import('@opentelemetry/api') {
  try {
    return required('@opentelemetry/api') as typeof import('@opentelemetry/api')
  } catch (cause) {
    throw Object.assign(configError(FIELD, 'the package @opentelemetry/api beside this one', undefined), { cause })
  }
}
