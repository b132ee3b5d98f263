// js/http: a stream as request and response. Knows nothing of which functions there are, nor of listening.
//
// `velo-stream/http`: a stream per request. From a request to events, from results to a response, and both with a stream function between.

export type { FailureInfo, OnError } from '../kit/sight/failure-report.js'
export { eventsFrom } from './adapters/events-from.js'
export type { Handler } from './adapters/handler.js'
export { handler } from './adapters/handler.js'
export { respond } from './adapters/respond.js'
export { toResponse } from './adapters/to-response.js'
export { HttpError } from './errors.js'
export type { Part, ServerSentEvent } from './in/shapes.js'
export type {
  ErrorEvent,
  ErrorReport,
  EventsOptions,
  HttpOptions,
  InFormat,
  OnDisconnect,
  OutFormat,
  RespondOptions,
  ResumeOptions,
} from './options.js'
export { stop } from './stream/sessions.js'
