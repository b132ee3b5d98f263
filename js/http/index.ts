// `velo-stream/http`: a stream per request. From a request to events, from results to a response, and both with a stream function between.

export { HttpError } from './errors.js'
export { eventsFrom } from './events-from.js'
export type { Handler } from './handler.js'
export { handler } from './handler.js'
export type { EventsOptions, HttpOptions, InFormat, OnDisconnect, OutFormat, RespondOptions, ResumeOptions } from './options.js'
export { respond } from './respond.js'
export { stop } from './sessions.js'
export type { Part, ServerSentEvent } from './shapes.js'
export { toResponse } from './to-response.js'
