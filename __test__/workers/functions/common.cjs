// A CommonJS module with stream functions.

module.exports = async function* negate(events) {
  for await (const event of events) yield -event
}
module.exports.halve = async function* halve(events) {
  for await (const event of events) yield event / 2
}
