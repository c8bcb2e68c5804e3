/**
 * A private control plane on loopback: etcd, API server, and requested further processes. The interface; `start.ts`
 * starts it.
 */

/** What to start. */
export interface ControlPlaneOptions {
  /**
   * Version of the API server, default 1.36. Of 1.37 there is nothing else: no controller manager, so that PodGroups,
   * which a finalizer protects, stay when they are deleted.
   */
  readonly version?: '1.36' | '1.37';
  /**
   * Also start kube-controller-manager (default: as `admission`, which needs it for service accounts), kwok (default
   * false).
   */
  readonly controllerManager?: boolean;
  readonly kwok?: boolean;
  /**
   * RBAC with ServiceAccount admission on, as in a real cluster; false: as scheduler_perf (admission plugins off, everything
   * allowed to the admin).
   */
  readonly admission?: boolean;
  /** Upstream PodGroup (alpha). Default true. */
  readonly podGroups?: boolean;
  /** etcd with fsync. Default false. */
  readonly fsync?: boolean;
  /** Further API server flags. */
  readonly apiServerFlags?: readonly string[];
  /**
   * Folder for data and logs, also of an earlier run, which it continues; default a new temporary one, removed at stop.
   */
  readonly folder?: string;
}

/** A process of the control plane. */
export interface ControlPlaneProcess {
  readonly name: string;
  /** 0 while it does not run; another one after `restart`. */
  readonly pid: number;
  /**
   * `https://127.0.0.1:PORT` of a stock scheduler (`/metrics` without a token), `http://127.0.0.1:PORT` of etcd; '' of others.
   */
  readonly url: string;
  readonly logFile: string;
  /** CPU seconds (user + system, all threads, all runs of it) and peak resident bytes, from /proc; NaN without /proc. */
  usage(): { readonly cpuSeconds: number; readonly peakBytes: number };
  /** Ends it (SIGTERM, then SIGKILL) or kills it (SIGKILL), and waits for its end. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

/** A running control plane. */
export interface ControlPlane {
  readonly server: string;
  /** Path of a kubeconfig of an administrator. */
  readonly kubeconfig: string;
  readonly folder: string;
  readonly processes: ReadonlyMap<string, ControlPlaneProcess>;
  /** Path of a built binary: `kubectl`, `kube-scheduler`, `helm`, …; built if it is missing. */
  binary(name: string): Promise<string>;
  /**
   * Starts the stock scheduler with this configuration (YAML text of a KubeSchedulerConfiguration without
   * clientConnection.kubeconfig).
   */
  startStockScheduler(configuration: string, flags?: readonly string[]): Promise<ControlPlaneProcess>;
  /** Kills and starts a process again with the same flags and port: `kube-apiserver`, `etcd`. */
  restart(name: string, signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Stops everything, the API server first. */
  stop(): Promise<void>;
}
