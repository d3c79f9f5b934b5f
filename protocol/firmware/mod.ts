/**
 * Firmware loads as files: the names that loads and parts have, and the made-up content that virtual phones install.
 * Source: MPP §4.3 (names), §6 (a `.loads` file and the parts it names).
 */
export {
  checkPart,
  LOAD_NAME_MAX,
  LOADS_BYTES_MAX,
  type Load,
  type LoadPart,
  type LoadProblem,
  loadFamily,
  loadVersionText,
  PART_BYTES_MAX,
  PARTS_MAX,
  parseLoadName,
  parseLoads,
  printLoads,
} from './loads.ts'
