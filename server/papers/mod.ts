/** Sheets of paper as PDF or text: labels for boxes, and what a person types at a phone. Values in, bytes out. */
export { keypadSheetPdf, keypadSheetText, keypadSteps, type KeypadSheet } from './keypad-sheet.ts'
export { LABEL_LAYOUTS, type Label, type LabelLayout, labelsPdf } from './labels.ts'
