// The state in SQLite, one transaction an event, each on the disk before it answers.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { serve } from './serve.mjs'

const database = new DatabaseSync(join(process.argv[2], 'sums.sqlite'))
database.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE IF NOT EXISTS sums (id TEXT PRIMARY KEY, sum INTEGER)')
const put = database.prepare('INSERT INTO sums VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET sum = sum + excluded.sum RETURNING sum')

serve(async (event) => put.get('session', event).sum)
