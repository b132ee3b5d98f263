// The commands that look at what is there and run nothing of the user's: one file to load for all of them. Where the add-on does not load they say so.

export { doctor } from './doctor/doctor.js'
export type { Finding } from './doctor/findings.js'
export { exported, ls, verify } from './journal/journal.js'
export { age, prune } from './journal/prune.js'
export { show } from './journal/show.js'
export { top } from './top/top.js'
