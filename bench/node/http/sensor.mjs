// The function of the HTTP benches: a mean that goes on.

export async function* sensor(readings) {
  let [total, count] = [0, 0]
  for await (const { id, celsius } of readings) yield { id, mean: (total += celsius) / ++count }
}
