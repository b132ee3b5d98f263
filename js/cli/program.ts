// The command line: which commands and options there are, and what their help says. Each command loads only what it needs, so that help
// and `doctor` work where the add-on does not.

import { readFileSync } from 'node:fs'
import { cac } from 'cac'
import { asWritten, flag, integer, type Parsed, text, texts, word } from './arguments.js'
import { described, Exit, errorJson, exitCode, StuckError, UsageError } from './failure.js'
import type { Format } from './run/formats.js'
import { say } from './terminal.js'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }

const FORMATS: readonly Format[] = ['ndjson', 'text', 'csv']

/** Runs the command that `argv` names and answers its exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  let outcome: Promise<number> | undefined
  const action =
    (command: (...args: never[]) => Promise<number>) =>
    (...args: unknown[]) => {
      const parsed = asWritten(args.pop() as Parsed, argv)
      outcome = Promise.race([command(...([...args, parsed] as never[])), stuck()])
    }
  const program = cac('velo')

  program
    .command('run <function> [...inputs]', 'Run a stream function over stdin, or over files')
    .usage('run <function.js> [options] < events.ndjson > results.ndjson')
    .option('--export <name>', 'Name of the export of the module', { default: 'default' })
    .option('--csv', 'The input is CSV: rows become objects named by the header; results stay NDJSON, see --out')
    .option('--text', 'The input is text: every line is a string; so are results that are strings')
    .option('--out <format>', `Format of the results: ${FORMATS.join(', ')}`)
    .option('--out-dir <folder>', 'Write the results of every input file to a file of its own in this folder')
    .option('--concurrency <n>', 'With --out-dir: how many input files run at once, each a stream of its own (default: 1)')
    .option('--worker', 'Run the function on worker threads')
    .option('--skip-malformed', 'Leave out lines that are not what the format says')
    .option('--max-line <bytes>', 'Longest line (default: 16777216)')
    .option('--progress', 'Show progress on stderr (default: on a terminal)')
    .option('--quiet', 'Show no progress')
    .option('--json', 'Say how it ended as one line of JSON on stderr')
    .example('  velo run average.js < events.ndjson > results.ndjson')
    .example('  velo run clean.js --csv --out csv < raw.csv > clean.csv')
    .example('  velo run average.js --concurrency 4 --out-dir results logs/*.ndjson')
    .action(action(runCommand))

  program
    .command('serve <functions>', 'Serve a folder of stream functions over HTTP, SSE and WebSocket')
    .option('--host <address>', 'Address to listen on (default: 127.0.0.1)')
    .option('--port <port>', 'Port to listen on, 0 = any (default: 8080)')
    .option('--worker', 'Run the functions on worker threads')
    .option('--envelope', 'Events are { headers, payload }')
    .option('--max-streams <n>', 'Streams open at once in the process (default: 1000)')
    .option('--max-per-client <n>', 'Streams open at once for one address (default: 100)')
    .option('--origin <origin>', 'Origin of web pages that may open a WebSocket; may be repeated (default: the own one)')
    .option('--tls-key <file>', 'Private key, PEM')
    .option('--tls-cert <file>', 'Certificate chain, PEM')
    .option('--http2', 'Offer HTTP/2; needs TLS')
    .option('--grace <ms>', 'At SIGTERM: how long requests that end by themselves may go on (default: 10000)')
    .option('--ready-delay <ms>', 'At SIGTERM: how long /readyz says 503 before connections are refused (default: 0)')
    .option('--json', 'Say what happens as lines of JSON on stdout')
    .example('  velo serve ./functions --port 8080')
    .action(action(serveCommand))

  program
    .command('doctor', 'Look at this machine: the add-on, Node.js, limits')
    .option('--json', 'Answer as JSON')
    .action(action(doctorCommand))

  program.help((sections) => {
    const codes = '  0 done   1 the function failed   2 wrong usage or input   130 Ctrl-C   143 SIGTERM'
    sections.push({ title: 'Exit codes', body: codes })
  })
  program.version(version)

  try {
    program.parse([...argv])
    if (outcome !== undefined) return await outcome
    const { args, options } = program
    if (options.help === true || options.version === true) return Exit.ok
    throw new UsageError(
      args.length === 0 ? 'which command? `velo --help` lists them' : `there is no command '${args[0]}'; \`velo --help\` lists them`,
    )
  } catch (error) {
    if (argv.includes('--json')) process.stderr.write(`${JSON.stringify({ exitCode: exitCode(error), error: errorJson(error) })}\n`)
    else say(described(error), 'red')
    return exitCode(error)
  }
}

/** Rejects when the process has nothing left to do although the command has not ended. */
function stuck(): Promise<never> {
  return new Promise((_, reject) => {
    const message = 'the function waits for something that cannot happen: nothing is left in this process that could go on'
    process.once('beforeExit', () => reject(new StuckError(message)))
  })
}

async function runCommand(file: unknown, inputs: readonly unknown[], parsed: Parsed): Promise<number> {
  const [csv, isText] = [flag(parsed, 'csv'), flag(parsed, 'text')]
  if (csv && isText) throw new UsageError('--csv and --text exclude each other')
  const [progress, quiet] = [flag(parsed, 'progress'), flag(parsed, 'quiet')]
  if (progress && quiet) throw new UsageError('--progress and --quiet exclude each other')
  const options = {
    file: String(file),
    inputs: inputs.map(String),
    exported: text(parsed, 'export') ?? 'default',
    worker: flag(parsed, 'worker'),
    from: csv ? 'csv' : isText ? 'text' : 'ndjson',
    to: word(parsed, 'out', FORMATS, isText ? 'text' : 'ndjson'),
    concurrency: integer(parsed, 'concurrency', 1, 1000, 1),
    outDir: text(parsed, 'outDir'),
    maxLine: integer(parsed, 'maxLine', 1, 2 ** 28, 2 ** 24),
    skipMalformed: flag(parsed, 'skipMalformed'),
    progress: progress ? true : undefined,
    quiet,
    json: flag(parsed, 'json'),
  } as const
  const { run } = await import('./run/run.js')
  return run(options)
}

async function serveCommand(functions: unknown, parsed: Parsed): Promise<number> {
  const origins = texts(parsed, 'origin')
  const options = {
    functions: String(functions),
    host: text(parsed, 'host') ?? '127.0.0.1',
    port: integer(parsed, 'port', 0, 65_535, 8080),
    worker: flag(parsed, 'worker'),
    envelope: flag(parsed, 'envelope'),
    maxStreams: integer(parsed, 'maxStreams', 1, 1_000_000, 1000),
    maxPerClient: integer(parsed, 'maxPerClient', 1, 1_000_000, 100),
    origins: origins.length === 0 ? undefined : origins,
    tlsKey: text(parsed, 'tlsKey'),
    tlsCert: text(parsed, 'tlsCert'),
    http2: flag(parsed, 'http2'),
    grace: integer(parsed, 'grace', 0, 86_400_000, 10_000),
    readyDelay: integer(parsed, 'readyDelay', 0, 86_400_000, 0),
    json: flag(parsed, 'json'),
  } as const
  const { serve } = await import('./serve.js')
  return serve(options)
}

async function doctorCommand(parsed: Parsed): Promise<number> {
  const json = flag(parsed, 'json')
  const { doctor } = await import('./doctor/doctor.js')
  return doctor(json)
}
