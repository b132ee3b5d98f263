// The commands that ask a server of Redis or Valkey: one file to load for all of them.

export { ls } from './cluster/ls.js'
export { drain, move } from './cluster/moves.js'
export { redisFindings } from './cluster/server.js'
export { show } from './cluster/show.js'
export { consume } from './consume.js'
