/**
 * The extended resources that DeviceClasses stand for (dynamic resource allocation), so that a pod that needs one is
 * refused for that reason, and not for a lack of the resource.
 *
 * @source kube-scheduler 1.36, `shouldDelegateResourceToDRA` of NodeResourcesFit: a node that has some of the resource
 *   in its allocatable has it from a device plugin and is judged as usual; on every other node the devices would have
 *   to be allocated.
 */

/** Classes and resources. Single writer. Bounded by the existing DeviceClasses. */
export class DeviceClasses {
  /** By class, those that stand for a resource. */
  private readonly resources = new Map<string, string>();
  private readonly classes = new Map<string, Set<string>>();

  /**
   * Sets the resource of a class.
   *
   * @param resource '' if the class stands for none, or is gone.
   * @returns        Resources whose backing changes; usually none.
   */
  set(name: string, resource: string): readonly string[] {
    const before = this.resources.get(name) ?? '';
    if (before === resource) return [];
    if (before !== '') {
      const left = this.classes.get(before);
      left?.delete(name);
      if (left?.size === 0) this.classes.delete(before);
    }
    if (resource === '') this.resources.delete(name);
    else {
      this.resources.set(name, resource);
      const known = this.classes.get(resource);
      if (known === undefined) this.classes.set(resource, new Set([name]));
      else known.add(name);
    }
    return [before, resource].filter((each) => each !== '');
  }

  /** @returns The class that stands for a resource, of several the first by name; undefined if none does. O(such classes). */
  classOf(resource: string): string | undefined {
    const names = this.classes.get(resource);
    if (names === undefined) return undefined;
    let first: string | undefined;
    for (const name of names) if (first === undefined || name < first) first = name;
    return first;
  }
}
