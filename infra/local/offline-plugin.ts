/** Placeholder until the next step. */
export default class OfflinePlugin {
  hooks = {};
}
