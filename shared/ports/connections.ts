/** Connections that somebody else holds (API Gateway), by the ids that he gave them. */

export interface Connections {
  /**
   * Sends a text frame.
   *
   * @returns false when there is no such connection: not any more, or not yet, while its opening is answered
   * @throws AppError `unavailable` when it can't be known whether it was sent
   */
  post(id: string, text: string): Promise<boolean>;
  /** Ends it. One that is gone is well. @throws AppError `unavailable` when it may still be there */
  close(id: string): Promise<void>;
}
