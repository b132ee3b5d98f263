// A broker of Kafka as Maven brings it: copies its libraries into .brokers-kafka, where __test__/support/kafka-servers.mjs looks for them. Needs `mvn` and a Java of 17 or newer;
// without them it says so and fails.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const VERSION = '4.1.0'
const FOLDER = '.brokers-kafka'
const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>velo</groupId>
  <artifactId>broker</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${VERSION}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`
// What it logs is said by the second library: tests wait for the line that it has started.
const ARGS = ['-q', '-B', '-f', `${FOLDER}/pom.xml`, 'dependency:copy-dependencies', '-DoutputDirectory=libs', '-DincludeScope=runtime']

process.chdir(fileURLToPath(new URL('..', import.meta.url)))
const stamp = `${FOLDER}/installed`
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== VERSION) install()
console.log(`Kafka ${VERSION}: installed`)

function install() {
  rmSync(FOLDER, { recursive: true, force: true })
  mkdirSync(FOLDER)
  writeFileSync(`${FOLDER}/pom.xml`, POM)
  const { status, error } = spawnSync('mvn', ARGS, { stdio: 'inherit' })
  if (error) console.error(`.ci/kafka.mjs: mvn: ${error.message}`)
  if (status !== 0) process.exit(status ?? 1)
  writeFileSync(stamp, VERSION)
}
