// What is loaded with the first function whose placement is 'worker': the classes that stand for a stage and its thread here, with the wire and the codec behind them.

import { threadsAre } from './pool.js'
import { WorkerThread } from './worker-thread.js'

export { warm } from './pool.js'
export { RemoteInput } from './remote-input.js'
export { RemoteStage } from './remote-stage.js'

threadsAre(WorkerThread)
