// The commands that ask a server of Redis or Valkey: one file to load for all of them.

export { behind } from './cluster/behind.js'
export { dead, replay, reset } from './cluster/dead.js'
export { ls } from './cluster/ls.js'
export { drain, move } from './cluster/moves.js'
export { pause, resume, undrain } from './cluster/pauses.js'
export { redisFindings } from './cluster/server.js'
export { show } from './cluster/show.js'
export { consume } from './consume.js'
export { pauseGroups, replayed, resumeGroups } from './consume-groups.js'
