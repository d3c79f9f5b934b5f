// Counts what Vitest's JSON report says. Used by tools/test.js, so plain JavaScript like it.

/**
 * Whatever is not a test that ran and passed is a problem: failed, skipped, todo, a file that could not load, a crash,
 * or nothing at all.
 * @param {{ testResults: { name: string, status: string, assertionResults: { status: string, fullName: string }[] }[] } | undefined} json
 *   undefined when Vitest left no report
 * @param {number | string} code exit code or signal of Vitest
 * @returns {{ passed: number, problems: { text: string, told: boolean }[] }} `told`: Vitest itself has printed it
 */
export function countTests(json, code) {
  if (json === undefined)
    return { passed: 0, problems: [{ text: `vitest ended with ${code} and left no result`, told: false }] }
  const tests = json.testResults.flatMap((file) => file.assertionResults)
  const problems = [
    ...tests.filter((test) => test.status !== 'passed').map((test) => problemOfTest(test)),
    ...json.testResults
      .filter((file) => isBroken(file))
      .map((file) => ({ text: `could not run ${file.name}`, told: true })),
  ]
  if (problems.length === 0 && tests.length === 0) problems.push({ text: 'no test ran', told: false })
  if (problems.length === 0 && code !== 0) {
    problems.push({ text: `every test passed, but vitest ended with ${code}: an error outside the tests`, told: false })
  }
  return { passed: tests.filter((test) => test.status === 'passed').length, problems }
}

function problemOfTest({ status, fullName }) {
  return status === 'failed'
    ? { text: fullName, told: true }
    : { text: `not run (${status}): ${fullName}`, told: false }
}

/** The file failed without a test of it failing: it did not load, or a hook of it threw. */
function isBroken(file) {
  return file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed')
}
