// js/cli: the command `velo`. Knows the library by its entry points only.
//
// The command line: which command is meant, and how it ends. Each command loads only what it needs, so that help and `doctor` work where the add-on
// does not.

import { readFileSync } from 'node:fs'
import { SORT_KEYS } from '../kit/sight/arrange.js'
import { flag, integer, type Parsed, parsed, text, texts, word } from './arguments.js'
import { COMMANDS, FORMATS } from './commands.js'
import { described, Exit, errorJson, exitCode, StuckError, UsageError } from './failure.js'
import { help, signature } from './help.js'
import type { Finding } from './looks.js'
import { redisActions } from './redis-actions.js'
import { say } from './terminal.js'
import { tokenOf } from './token.js'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }

const ACTIONS: Readonly<Record<string, (args: readonly string[], options: Parsed) => Promise<number>>> = {
  run: ([file = '', ...inputs], options) => runCommand(file, inputs, options),
  serve: ([functions = ''], options) => (flag(options, 'watch') ? watchCommand(functions) : serveCommand(functions, options)),
  consume: (_, options) => consumeCommand(options),
  top: ([pid], options) => topCommand(pid, options),
  doctor: (_, options) => doctorCommand(options),
  'journal ls': async ([folder = ''], options) => (await looks()).ls(folder, text(options, 'function'), flag(options, 'json')),
  'journal show': async ([folder = '', id = ''], options) =>
    (await looks()).show(folder, id, text(options, 'function'), flag(options, 'json')),
  'journal verify': async ([folder = ''], options) => (await looks()).verify(folder, flag(options, 'json')),
  'journal export': async ([folder = ''], options) => (await looks()).exported(folder, flag(options, 'raw')),
  ...redisActions,
  'journal prune': ([folder = ''], options) => pruneCommand(folder, options),
}

/** Runs the command that `argv` names, after the program and the script, and answers its exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    return await started(argv.slice(2))
  } catch (error) {
    if (argv.includes('--json')) process.stderr.write(`${JSON.stringify({ exitCode: exitCode(error), error: errorJson(error) })}\n`)
    else say(described(error), 'red')
    return exitCode(error)
  }
}

async function started(words: readonly string[]): Promise<number> {
  const { name, rest } = named(words)
  const command = name === undefined ? undefined : COMMANDS.get(name)
  const isAsked = (...names: string[]) => words.slice(0, ended(words)).some((one) => names.includes(one))
  if (isAsked('--help', '-h')) return printed(help(`velo/${version}`, name))
  if (name === undefined || command === undefined) {
    if (isAsked('--version', '-v')) return printed(`velo/${version} ${process.platform}-${process.arch} node-${process.version}\n`)
    throw new UsageError(
      name === undefined ? 'which command? `velo --help` lists them' : `there is no command '${name}'; \`velo --help\` lists them`,
    )
  }
  const { options, args } = parsed(rest, command.options)
  const needed = command.args.filter((arg) => arg.startsWith('<')).length
  if (args.length < needed) throw new UsageError(`missing required args for command \`${signature(name, command)}\``)
  const isOpen = command.args.some((arg) => arg.startsWith('[...'))
  const unused = isOpen ? [] : args.slice(command.args.length)
  if (unused.length > 0) throw new UsageError(`Unused args: ${unused.map((arg) => `\`${arg}\``).join(', ')}`)
  const action = ACTIONS[name] as (typeof ACTIONS)[string]
  return Promise.race([action(args, options), stuck()])
}

/** The command that is meant, of one word or of two, and the other words. */
function named(words: readonly string[]): { name: string | undefined; rest: string[] } {
  const [first, second] = [...words.keys()].filter((at) => !words[at]?.startsWith('-'))
  const name = first === undefined ? undefined : (words[first] as string)
  const isWord =
    second !== undefined && (!COMMANDS.has(String(name)) || (second === Number(first) + 1 && COMMANDS.has(`${name} ${words[second]}`)))
  const isGroup = isWord && [...COMMANDS.keys()].some((command) => command.startsWith(`${name} `))
  const rest = words.filter((_, at) => at !== first && !(isGroup && at === second))
  return { name: isGroup ? `${name} ${words[second]}` : name, rest }
}

/** Where the options end: behind `--` there are none. */
function ended(words: readonly string[]): number {
  const at = words.indexOf('--')
  return at < 0 ? words.length : at
}

function printed(text: string): number {
  process.stdout.write(text)
  return Exit.ok
}

/** Rejects when the process has nothing left to do although the command has not ended. */
function stuck(): Promise<never> {
  return new Promise((_, reject) => {
    const message = 'the function waits for something that cannot happen: nothing is left in this process that could go on'
    process.once('beforeExit', () => reject(new StuckError(message)))
  })
}

async function runCommand(file: string, inputs: readonly string[], given: Parsed): Promise<number> {
  const [csv, isText] = [flag(given, 'csv'), flag(given, 'text')]
  if (csv && isText) throw new UsageError('--csv and --text exclude each other')
  const [progress, quiet] = [flag(given, 'progress'), flag(given, 'quiet')]
  if (progress && quiet) throw new UsageError('--progress and --quiet exclude each other')
  const options = {
    file,
    inputs,
    exported: text(given, 'export') ?? 'default',
    worker: flag(given, 'worker'),
    from: csv ? 'csv' : isText ? 'text' : undefined,
    types: flag(given, 'types'),
    to: word(given, 'out', FORMATS, isText ? 'text' : 'ndjson'),
    concurrency: integer(given, 'concurrency', 1, 1000, 1),
    outDir: text(given, 'out-dir'),
    keep: keepOf(given),
    outFile: text(given, 'out-file'),
    maxLine: integer(given, 'max-line', 1, 2 ** 28, 2 ** 24),
    skipMalformed: flag(given, 'skip-malformed'),
    progress: progress ? true : undefined,
    quiet,
    json: flag(given, 'json'),
  } as const
  const { run } = await import('./run/run.js')
  return run(options)
}

/** What the options say of a stream that is kept. */
function keepOf(given: Parsed): { folder: string | undefined; id: string | undefined; isKnown: boolean } | undefined {
  const [folder, id, resume] = [text(given, 'durable'), text(given, 'id'), text(given, 'resume')]
  if (id !== undefined && resume !== undefined) throw new UsageError('--id and --resume exclude each other')
  if ((folder ?? id ?? resume) === undefined) return undefined
  return { folder, id: resume ?? id, isKnown: resume !== undefined }
}

async function serveCommand(functions: string, given: Parsed): Promise<number> {
  const origins = texts(given, 'origin')
  const options = {
    functions,
    host: text(given, 'host') ?? '127.0.0.1',
    port: integer(given, 'port', 0, 65_535, 8080),
    worker: flag(given, 'worker'),
    envelope: flag(given, 'envelope'),
    durable: text(given, 'durable'),
    maxStreams: integer(given, 'max-streams', 1, 1_000_000, 1000),
    maxPerClient: integer(given, 'max-per-client', 1, 1_000_000, 100),
    origins: origins.length === 0 ? undefined : origins,
    cors: texts(given, 'cors'),
    admin: flag(given, 'admin'),
    adminToken: tokenOf(text(given, 'admin-token-file')),
    dashboard: flag(given, 'dashboard'),
    expose: text(given, 'expose'),
    tlsKey: text(given, 'tls-key'),
    tlsCert: text(given, 'tls-cert'),
    http2: flag(given, 'http2'),
    grace: integer(given, 'grace', 0, 86_400_000, 10_000),
    readyDelay: integer(given, 'ready-delay', 0, 86_400_000, 0),
    json: flag(given, 'json'),
  } as const
  const { serve } = await import('./serve.js')
  return serve(options)
}

async function consumeCommand(given: Parsed): Promise<number> {
  const needed = (name: string): string => {
    const value = text(given, name)
    if (value === undefined) throw new UsageError(`consume needs --${name}`)
    return value
  }
  const options = {
    file: needed('function'),
    exported: text(given, 'export') ?? 'default',
    worker: flag(given, 'worker'),
    redis: text(given, 'redis'),
    nats: text(given, 'nats'),
    kafka: text(given, 'kafka'),
    topics: texts(given, 'topic'),
    streams: texts(given, 'stream'),
    group: text(given, 'group'),
    consumer: text(given, 'consumer'),
    from: text(given, 'from'),
    to: text(given, 'to'),
    maxlen: integer(given, 'maxlen', 1, 2 ** 40, undefined),
    deadLetter: text(given, 'dead-letter'),
    transactional: flag(given, 'transactional'),
    progress: flag(given, 'progress') ? true : undefined,
    json: flag(given, 'json'),
  }
  const { redis, nats, kafka, streams, topics } = options
  if ([redis, nats, kafka].filter((one) => one !== undefined).length !== 1)
    throw new UsageError('consume needs one of --redis, --nats and --kafka')
  if (kafka === undefined && streams.length === 0) throw new UsageError('consume needs --stream')
  if (kafka !== undefined && topics.length === 0) throw new UsageError('consume --kafka needs --topic')
  if (kafka !== undefined && streams.length > 0) throw new UsageError('--stream is for --redis and --nats: with --kafka it is --topic')
  if (kafka === undefined && (topics.length > 0 || options.transactional))
    throw new UsageError('--topic and --transactional are for --kafka')
  const { consume } = await overRedis()
  return consume(options)
}

async function topCommand(pid: string | undefined, given: Parsed): Promise<number> {
  const options = {
    pid,
    url: text(given, 'url'),
    socket: text(given, 'socket'),
    token: tokenOf(text(given, 'token-file')),
    sort: word(given, 'sort', SORT_KEYS, SORT_KEYS[0]),
    search: text(given, 'search'),
    interval: integer(given, 'interval', 100, 3_600_000, 1000),
    json: flag(given, 'json'),
  }
  const { top } = await looks()
  return top(options)
}

/** The same command without `--watch` is a process of its own. */
async function watchCommand(functions: string): Promise<number> {
  const { watch } = await import('./watch.js')
  return watch(
    functions,
    process.argv.slice(1).filter((word) => word !== '--watch'),
  )
}

const looks = () => import('./looks.js')

const overRedis = () => import('./over-redis.js')

async function pruneCommand(folder: string, given: Parsed): Promise<number> {
  const { age, prune } = await looks()
  const older = text(given, 'older-than')
  const options = {
    name: text(given, 'function'),
    ids: texts(given, 'id'),
    ended: flag(given, 'ended'),
    olderThan: older === undefined ? undefined : age(older),
    yes: flag(given, 'yes'),
    json: flag(given, 'json'),
  }
  return prune(folder, options)
}

async function doctorCommand(given: Parsed): Promise<number> {
  const json = flag(given, 'json')
  const folder = text(given, 'durable')
  const redis = text(given, 'redis')
  const brokers = text(given, 'kafka')
  const [topics, group] = [texts(given, 'topic'), text(given, 'group')]
  if (brokers === undefined && (topics.length > 0 || group !== undefined)) throw new UsageError('--topic and --group are for --kafka')
  const kafka = brokers === undefined ? undefined : { brokers, topics, group }
  const { doctor } = await looks()
  return doctor(json, { folder, nats: text(given, 'nats'), kafka }, redis === undefined ? [] : await lookedAt(redis))
}

/** Where the add-on does not load, the server cannot be looked at. */
async function lookedAt(redis: string): Promise<Finding[]> {
  try {
    return await (await overRedis()).redisFindings(redis)
  } catch (error) {
    return [{ name: 'redis', level: 'fail', says: `not looked at: ${(error as Error).message}` }]
  }
}
