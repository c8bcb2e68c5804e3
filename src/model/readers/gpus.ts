/** Names of GPUs in clusters: the resources that are whole devices, and the node labels that give the model. */

/** Resources that are whole GPU devices. */
export const GPU_RESOURCES: readonly string[] = [
  'nvidia.com/gpu',
  'amd.com/gpu',
  'gpu.intel.com/i915',
  'gpu.intel.com/xe',
  'alibabacloud.com/gpu-count',
];

/** Node labels that name the GPU model, by precedence. */
export const GPU_MODEL_LABELS: readonly string[] = [
  'nvidia.com/gpu.product',
  'amd.com/gpu.product-name',
  'alibabacloud.com/gpu-card-model',
  'cloud.google.com/gke-accelerator',
  'gpu.nvidia.com/model',
  'gpu.intel.com/product',
  'k8s.amazonaws.com/accelerator',
];

/** @returns The value of the first label that names a GPU model, or ''. */
export function gpuModelOf(labels: Readonly<Record<string, string>>): string {
  for (const label of GPU_MODEL_LABELS) {
    const model = Object.hasOwn(labels, label) ? labels[label] : undefined;
    if (model !== undefined && model !== '') return model;
  }
  return '';
}
