/**
 * Which test shows which statement, where the title of the test names the clause only.
 * The keys are ids of tools/conformance-statements.ts; the values are parts of test titles, each found in at least one title.
 */
export const SHOWN_BY: Readonly<Record<string, readonly string[]>> = {}
