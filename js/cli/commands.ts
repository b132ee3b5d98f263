// Which commands and options there are, and what the help says of each. Not here: what they do (program.ts), and how values are read (arguments.ts).

import { SORT_KEYS } from '../kit/sight/arrange.js'
import { clusterCommands } from './cluster-commands.js'
import type { Command, OptionText } from './command.js'
import type { Format } from './run/formats.js'

/** Formats of inputs and results. */
export const FORMATS: readonly Format[] = ['ndjson', 'text', 'csv']

const run: Command = {
  args: ['<function>', '[...inputs]'],
  says: 'Run a stream function over stdin, or over files',
  usage: 'run <function.js> [options] < events.ndjson > results.ndjson',
  options: {
    export: { value: 'name', says: 'Name of the export of the module (default: default)' },
    csv: {
      says: 'The input is CSV, as a file named .csv is: rows become objects named by the header, of texts; results stay NDJSON, see --out',
    },
    types: { says: 'In CSV, read numbers, true and false as such; all values are texts otherwise' },
    text: { says: 'The input is text: every line is a string; so are results that are strings' },
    out: { value: 'format', says: `Format of the results: ${FORMATS.join(', ')}` },
    'out-dir': { value: 'folder', says: 'Write the results of every input file to a file of its own in this folder' },
    concurrency: { value: 'n', says: 'With --out-dir: how many input files run at once, each a stream of its own (default: 1)' },
    durable: { value: 'folder', says: 'Keep the stream in the journal in this folder, so that it can go on when it is interrupted' },
    id: { value: 'id', says: 'Name of the stream that is kept: it begins, or goes on where it was (default: one is made)' },
    resume: { value: 'id', says: 'Go on with the stream of this name, which was interrupted' },
    'out-file': { value: 'file', says: 'Write the results of the stream that is kept to this file, each once' },
    worker: { says: 'Run the function on worker threads' },
    'skip-malformed': { says: 'Leave out lines that are not what the format says' },
    'max-line': { value: 'bytes', says: 'Longest line (default: 16777216)' },
    progress: { says: 'Show progress on stderr (default: on a terminal)' },
    quiet: { says: 'Show no progress' },
    json: { says: 'Say how it ended as one line of JSON on stderr' },
  },
  examples: [
    'velo run average.js < events.ndjson > results.ndjson',
    'velo run clean.js --csv --out csv < raw.csv > clean.csv',
    'velo run total.js --types orders.csv',
    'velo run average.js --concurrency 4 --out-dir results logs/*.ndjson',
    'velo run import.js --durable data --id monday --out-file done.ndjson orders.ndjson',
    'velo run import.js --durable data --resume monday --out-file done.ndjson orders.ndjson',
  ],
}

const serve: Command = {
  args: ['<functions>'],
  says: 'Serve a folder of stream functions, or one module, over HTTP, SSE and WebSocket',
  options: {
    host: { value: 'address', says: 'Address to listen on (default: 127.0.0.1)' },
    port: { value: 'port', says: 'Port to listen on, 0 = any (default: 8080)' },
    worker: { says: 'Run the functions on worker threads' },
    envelope: { says: 'Events are { headers, payload }' },
    durable: {
      value: 'folder',
      says: 'Keep the streams in a journal in this folder: they, and their clients, go on when the service was killed',
    },
    'max-streams': { value: 'n', says: 'Streams open at once in the process (default: 1000)' },
    'max-per-client': { value: 'n', says: 'Streams open at once for one address (default: 100)' },
    cors: { value: 'origin', says: 'Origin of web pages elsewhere that may call, * = any; may be repeated (default: none)' },
    admin: { says: 'Answer /admin, for `velo top --url`, to this machine' },
    'admin-token-file': { value: 'file', says: 'The same, to whoever sends the token in this file, and to nobody else' },
    dashboard: { says: 'Show what runs on a page, /dashboard, to this machine, or to whoever gives that token as the password' },
    expose: { value: 'path', says: 'Make a local socket for `velo top` there' },
    watch: { says: 'Start again when a file of the folder changes' },
    origin: { value: 'origin', says: 'Origin of web pages that may open a WebSocket; may be repeated (default: the own one)' },
    'tls-key': { value: 'file', says: 'Private key, PEM' },
    'tls-cert': { value: 'file', says: 'Certificate chain, PEM' },
    http2: { says: 'Offer HTTP/2; needs TLS' },
    grace: { value: 'ms', says: 'At SIGTERM: how long requests that end by themselves may go on (default: 10000)' },
    'ready-delay': { value: 'ms', says: 'At SIGTERM: how long /readyz says 503 before connections are refused (default: 0)' },
    json: { says: 'Say what happens as lines of JSON on stdout' },
  },
  examples: ['velo serve ./functions --port 8080', 'velo serve ./average.mjs', 'velo serve ./functions --durable ./data'],
}

const consume: Command = {
  args: [],
  says: 'Run a stream function over a stream of Redis, Valkey or NATS, or topics of Kafka, until a signal stops it',
  usage:
    'consume (--redis <url> --stream <name> --group <name> | --nats <url> --stream <name> --consumer <name> | --kafka <brokers> --topic <name> --group <name>) --function <function.js> [options]',
  options: {
    redis: { value: 'url', says: 'The server, redis://host:port' },
    nats: { value: 'url', says: 'Or that one, nats://host:port' },
    kafka: { value: 'brokers', says: 'Or these, host:port,host:port; kafkas://user:password@host:port with TLS and SASL' },
    stream: { value: 'name', says: 'Stream to read; of Redis, may be repeated' },
    topic: { value: 'name', says: 'Topic of Kafka to read; may be repeated' },
    group: { value: 'name', says: 'Consumer group of Redis or Kafka, made where it is missing' },
    function: { value: 'file', says: 'Module of the function' },
    export: { value: 'name', says: 'Name of the export of the module (default: default)' },
    consumer: { value: 'name', says: 'Name of this consumer of Redis (default: one of its own), or the durable consumer of NATS' },
    from: { value: 'id', says: 'Where a group or consumer begins that is made (default: all)' },
    to: { value: 'name', says: 'Stream, subject or topic for the results (default: none)' },
    transactional: { says: 'With --kafka: results, and how far the topic is done, in one transaction' },
    maxlen: { value: 'n', says: 'About how many entries that stream of Redis keeps (default: all)' },
    'dead-letter': {
      value: 'name',
      says: 'Stream, subject or topic for what the function cannot deal with (default: they end the command)',
    },
    worker: { says: 'Run the function on worker threads' },
    progress: { says: 'Show progress on stderr (default: on a terminal)' },
    json: { says: 'Say how it ended as one line of JSON on stderr' },
  },
  examples: [
    'velo consume --redis redis://127.0.0.1:6379 --stream clicks --group features --function features.js --to features',
    'velo consume --nats nats://127.0.0.1:4222 --stream readings --consumer reporter --function sessions.js --to reports',
    'velo consume --kafka 127.0.0.1:9092 --topic clicks --group features --function features.js --to features --transactional',
  ],
}

const top: Command = {
  args: ['[pid]'],
  says: 'Show what runs in a process, live: its streams, what each waits for; abort one',
  usage: 'top [pid] [options]',
  options: {
    url: { value: 'url', says: 'Ask a service: http://host:port, with /admin unless it has another path' },
    socket: { value: 'path', says: 'Ask the process behind this socket (runtime.expose, velo serve --expose)' },
    'token-file': { value: 'file', says: 'With --url: the token in this file says who asks' },
    sort: { value: 'name', says: `Begin in the order of ${SORT_KEYS.join(', ')} (default: ${SORT_KEYS[0]})` },
    search: { value: 'text', says: 'Begin with the streams that have this in their id, function, state or error' },
    interval: { value: 'ms', says: 'How often to look (default: 1000)' },
    json: { says: 'Answer once, as one line of JSON' },
  },
  examples: ['velo top', 'velo top 4711', 'velo top --url http://127.0.0.1:8080', 'velo top --socket /run/orders.sock --sort ageMs | head'],
}

const doctor: Command = {
  args: [],
  says: 'Look at this machine: the add-on, Node.js, limits, a journal, a server of Redis, NATS or Kafka',
  options: {
    durable: { value: 'folder', says: 'Look at the journal in this folder, too' },
    redis: { value: 'url', says: 'Look at this server of Redis or Valkey, too: whether it may keep sessions' },
    nats: { value: 'url', says: 'Look at this server of NATS, too' },
    kafka: { value: 'brokers', says: 'Look at these brokers of Kafka, too, host:port,host:port' },
    topic: { value: 'name', says: 'With --kafka: at this topic; may be repeated' },
    group: { value: 'name', says: 'With --kafka: at this group, and how far it is in those topics, or in all that it has read' },
    json: { says: 'Answer as JSON' },
  },
  examples: [
    'velo doctor --durable data',
    'velo doctor --redis redis://127.0.0.1:6379',
    'velo doctor --kafka 127.0.0.1:9092 --topic clicks --group features',
  ],
}

const FUNCTION: OptionText = { value: 'name', says: 'Only streams of this function' }
const JSON_LINES: OptionText = { says: 'Answer as lines of JSON' }

const journal: Readonly<Record<string, Command>> = {
  'journal ls': {
    args: ['<folder>'],
    says: 'List the streams that are kept in a folder',
    options: { function: FUNCTION, json: JSON_LINES },
    examples: ['velo journal ls data'],
  },
  'journal show': {
    args: ['<folder>', '<id>'],
    says: 'Show what is kept of one stream',
    options: { function: FUNCTION, json: JSON_LINES },
    examples: ['velo journal show data order-42'],
  },
  'journal verify': {
    args: ['<folder>'],
    says: 'Check every record; exit code 1 when one is damaged',
    options: { json: JSON_LINES },
    examples: [],
  },
  'journal export': {
    args: ['<folder>'],
    says: 'Write everything that is kept to stdout as NDJSON',
    options: { raw: { says: 'Values as the bytes that are kept, base64' } },
    examples: ['velo journal export data > data.ndjson'],
  },
  'journal prune': {
    args: ['<folder>'],
    says: 'Remove streams: those that fit all that is said',
    options: {
      id: { value: 'id', says: 'This one; may be repeated' },
      ended: { says: 'Those that have ended, whose end is retained' },
      'older-than': { value: 'age', says: 'Those made longer ago: 90s, 15m, 12h, 7d' },
      function: FUNCTION,
      yes: { says: 'Do not ask' },
      json: JSON_LINES,
    },
    examples: ['velo journal prune data --ended --older-than 7d --yes', 'velo journal prune data --id order-42'],
  },
}

/** All commands, by name: one word, or two. */
export const COMMANDS: ReadonlyMap<string, Command> = new Map(
  Object.entries({ run, serve, consume, top, ...journal, ...clusterCommands, doctor }),
)
