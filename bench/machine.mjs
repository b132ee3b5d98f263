// What a figure says of the machine it is from.
import { cpus } from 'node:os'

export const machine = `${cpus().length} virtual cores (${cpus()[0]?.model.trim()})`
