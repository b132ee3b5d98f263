// A journal of which one side of a session uses a part: the rest is done by the scripts of the other side.

import type { Commit, EventRecord, Journal, Kept, Ownership, ReadLimit, StreamInit, StreamKey, Unfinished } from '../../durable/journal.js'
import { VeloError } from '../../kit/errors.js'

export abstract class PartOfJournal implements Journal {
  open(_key: StreamKey, _init: StreamInit): Promise<Kept> {
    return notHere()
  }

  append(_own: Ownership, _from: number, _records: readonly EventRecord[]): Promise<void> {
    return notHere()
  }

  read(_own: Ownership, _from: number, _limit: ReadLimit): Promise<readonly EventRecord[]> {
    return notHere()
  }

  commit(_own: Ownership, _commit: Commit): Promise<void> {
    return notHere()
  }

  discard(_key: StreamKey): Promise<boolean> {
    return notHere()
  }

  unfinished(_functionName: string): Promise<readonly Unfinished[]> {
    return notHere()
  }

  close(): Promise<void> {
    return notHere()
  }
}

function notHere(): Promise<never> {
  return Promise.reject(new VeloError('VELO_BUG', 'one side of a session was asked for what the other one decides'))
}
