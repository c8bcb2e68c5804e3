/**
 * Small files of every text format, written by hand: the tests read them and the fuzzer mutates them.
 *
 * No line of them is copied from a published trace.
 */
import type { TraceFormat } from './format.ts';

const OPENB_PODS = `name,cpu_milli,memory_mib,num_gpu,gpu_milli,gpu_spec,qos,pod_phase,creation_time,deletion_time,scheduled_time
pod-a,8000,30000,0,0,,BE,Running,100,700,130
pod-b,6000,12288,1,460,,LS,Running,200,900,
pod-c,64000,262144,8,1000,V100M16|V100M32,LS,Running,300,4000,310
pod-d,1000,0,1,1000,,LS,Pending,,,
`;

const OPENB_NODES = `sn,cpu_milli,memory_mib,gpu,model
node-a,64000,262144,2,P100
node-b,32000,131072,0,
`;

const SWF = `; Version: 2.2
; Computer: made up
; MaxNodes: 64
; UnixStartTime: 1000000000

  1    0   10  100   4  90.5  1024   4  3600  2048  1  3  1  -1  1  -1 -1 -1
  2   60   -1   -1  -1  -1    -1     2   600    -1  5  4  1  -1  1  -1 -1 -1
  3  120    0   50   8  -1    -1    -1    -1    -1  1 -1  1  -1  1  -1 -1 -1
`;

const PHILLY = `job,submit_s,submit_local,duration_s,num_gpus,tenant
0,0,2017-01-01 00:00:00,3600.5,1,aaa
1,60,2017-01-01 00:01:00,7200,12,bbb
2,90,2017-01-01 00:01:30,10,16,aaa
3,95,2017-01-01 00:01:35,10,17,aaa
`;

const PHILLY_LOG = `[{"status": "Pass", "vc": "aaa", "jobid": "application_1", "attempts": [{"start_time": "2017-10-07 01:12:09", "end_time": "2017-10-07 01:13:23", "detail": [{"ip": "m1", "gpus": ["gpu0"]}]}], "submitted_time": "2017-10-07 01:11:39", "user": "u1"},
 {"status": "Killed", "vc": "bbb", "jobid": "application_2", "attempts": [{"start_time": "2017-10-07 02:00:00", "end_time": "2017-10-07 02:30:00", "detail": [{"ip": "m1", "gpus": ["gpu0", "gpu1", "gpu2", "gpu3"]}, {"ip": "m2", "gpus": ["gpu0", "gpu1", "gpu2", "gpu3", "gpu4", "gpu5", "gpu6", "gpu7"]}]}, {"start_time": "2017-10-07 03:00:00", "end_time": "2017-10-07 03:00:01", "detail": [{"ip": "m3", "gpus": ["gpu0"]}]}], "submitted_time": "2017-10-07 01:11:09", "user": "u2"},
 {"status": "Failed", "vc": "bbb", "jobid": "application_3", "attempts": [], "submitted_time": "2017-10-08 00:00:00", "user": "u2"},
 {"status": "Killed", "vc": "bbb", "jobid": "application_4", "attempts": [{"start_time": "2017-10-08 00:00:00", "end_time": "None", "detail": []}], "submitted_time": "2017-10-08 00:00:00", "user": "u2"}]
`;

const METACENTRUM_SWF = `0 1356996147 0 1000 4 1 1024 4 86400 4294967296 1 7 1 1 -1 1 1 1 {1241,1241,1241,1241} q_1d 1:ppn=4
1 1356996157 5 2000 7 1 1024 7 7200 1073741824 1 8 1 1 -1 1 1 1 {1129,1129,1130} q_2h 1:ppn=3:^zewura12.cerit-sc.cz+1:ppn=4:brno
2 1356996167 0 500 64 1 1024 64 86400 68719476736 1 7 1 1 -1 1 1 1 {1240} q_1d 1:ppn=64:x86_64:cl_zewura#excl
3 1356996177 0 60 1 1 1024 1 -1 0 1 9 1 1 -1 1 1 1 {1250} q_1d zegox3:ppn=1:mem=2gb
`;

const METACENTRUM_JOBS = `job,submit_s,wait_s,run_s,nodes,cpus_total,walltime_limit_s,mem_mib_per_node,user,queue,exclusive,properties,request,ran_on
0,0,5,1000,1,4,86400,4096,7,q_1d,0,,1:ppn=4,1
1,10,5,2000,2,7,7200,1024,8,q_2h,0,^zewura12.cerit-sc.cz|brno,1:ppn=3+1:ppn=4,1|2
2,20,0,500,1,64,86400,65536,7,q_1d,1,cl_zewura|x86_64,1:ppn=64,3
3,30,0,60,1,1,,400,9,q_1d,0,host=zegox3|mem=2gb,1:ppn=1,4
`;

const METACENTRUM_MACHINES = `cluster,machines,cpus_per_machine,mem_kib_per_machine
zewura,2,80,529426432
zegox,3,12,94035968
`;

const ALIBABA_BATCH = `create_s,modify_s,job,task,instances,status,cpu_centicores,mem_norm
-100,200,1,1,224,Terminated,100,0.005
50,80,1,2,75,Waiting,,
60,40,2,1,1,Running,50,0.016338364
`;

const ALIBABA_DLRM = `instance_sn,role,app_name,cpu_request,cpu_limit,gpu_request,gpu_limit,rdma_request,rdma_limit,memory_request,memory_limit,disk_request,disk_limit,max_instance_per_node,creation_time,scheduled_time,deletion_time
i-0,HN,app-a,12,12,1,1,25,25,120.5,120.5,640.0,800.0,8,,,
i-1,CN,app-b,64,64,0,0,100,100,320.0,320.0,255.0,255.0,-1,500,510,9000
`;

const ALIBABA_SPOT = `gpu_model,gpu_capacity_num,cpu_num,node_name
A10,1,128,0
H800,8,192,1
`;

const ALIBABA_PODMEM = `pod,t_s,mem_used_fraction
0,0,0.5
0,57,0.75
1,0,-0.00001
`;

const TEG_JOBS = `id,tenant,priority,submit_s,duration_s,requested_s,pod_count,gang_min,cpu_milli,memory_mib,gpu_count,gpu_milli,gpu_models,extended,affinity,pods_per_node_max,spread_group,checkpoint_interval_s,disruption,pod_group,owner,user,node_name,gpu_resource
j-1,"a, b",-5,0.5,Infinity,,3,1,1000,2048,1,250,"[""A100"",""H100""]","{""rdma"":25}","[{""key"":""zone"",""operator"":""In"",""values"":[""a""]}]",2,svc,600,single,g,Job/x,u-1,n-1,
j-2,,0,1,60,120.25,1,1,0,0,0,0,,,,,,,,,,,,
`;

const TEG_NODES = `name,cpu_milli,memory_mib,gpu_count,gpu_model,pods_max,extended,labels,gpu_resource
n-1,64000,262144,2,P100,110,"{""rdma"":100}","{""zone"":""a""}",
n-2,32000,131072,0,,110,,,
`;

const TEG_USAGE = `pod,t_s,memory_share
a,0,0.5
b,1.5,1
`;

const KUBERNETES = `apiVersion: v1
items:
- apiVersion: v1
  kind: Node
  metadata:
    name: gpu-1
    labels:
      kubernetes.io/hostname: gpu-1
      nvidia.com/gpu.product: NVIDIA-A100-SXM4-80GB
  status:
    allocatable:
      cpu: 95500m
      memory: 792567344Ki
      nvidia.com/gpu: "8"
      pods: "110"
      rdma/hca: 1k
    conditions:
    - status: "True"
      type: Ready
- apiVersion: v1
  kind: Pod
  metadata:
    annotations:
      note: |
        text with
        - a dash and "quotes"
    creationTimestamp: "2026-01-01T00:00:00Z"
    labels:
      scheduling.x-k8s.io/pod-group: train
    name: train-0
    namespace: team-a
    ownerReferences:
    - apiVersion: batch/v1
      controller: true
      kind: Job
      name: train
  spec:
    affinity:
      nodeAffinity:
        requiredDuringSchedulingIgnoredDuringExecution:
          nodeSelectorTerms:
          - matchExpressions:
            - key: zone
              operator: In
              values: [a, b]
    containers:
    - name: main
      resources:
        limits:
          nvidia.com/gpu: 2
          memory: 16Gi
        requests:
          cpu: 0.5
    initContainers:
    - name: fetch
      resources: {requests: {cpu: "4", memory: 1Gi}}
    nodeName: gpu-1
    nodeSelector:
      nvidia.com/gpu.product: NVIDIA-A100-SXM4-80GB
    overhead: {cpu: 250m}
    priority: 1000
  status:
    phase: Running
kind: List
metadata:
  resourceVersion: ""
---
kind: Pod
metadata: {name: alone, annotations: {gpu-fraction: "0.3"}}
spec: {containers: [{name: main, resources: {requests: {cpu: 1, memory: 1.5Gi}}}]}
`;

/** One sample of each text format. */
export const SAMPLES = {
  'openb-pods': OPENB_PODS,
  'openb-nodes': OPENB_NODES,
  swf: SWF,
  philly: PHILLY,
  'philly-log': PHILLY_LOG,
  'metacentrum-jobs': METACENTRUM_JOBS,
  'metacentrum-swf': METACENTRUM_SWF,
  'metacentrum-machines': METACENTRUM_MACHINES,
  'alibaba-batch': ALIBABA_BATCH,
  'alibaba-dlrm': ALIBABA_DLRM,
  'alibaba-spot-nodes': ALIBABA_SPOT,
  'alibaba-podmem': ALIBABA_PODMEM,
  kubernetes: KUBERNETES,
  'teg-jobs-csv': TEG_JOBS,
  'teg-nodes-csv': TEG_NODES,
  'teg-usage-csv': TEG_USAGE,
} as const satisfies Partial<Record<TraceFormat, string>>;

/** Other published layouts of the formats, with rows written in their shape. */
export const PUBLISHED = [
  {
    format: 'alibaba-batch',
    name: 'batch_task.csv with a header',
    text: `task_create_time, task_end_time, job_id, task_id,number_of_instances, status, number_of_cpus_requested_per_instance_in_the_task,normalized_memory_requested_per_instance_in_the_task
6459,6524,3,4,224,Terminated,50,0.007956928
6036,6046,4,7,393,Waiting,,
`,
  },
  {
    format: 'alibaba-batch',
    name: 'batch_task.csv without a header',
    text: '10000,10050,1,1,10,Terminated,50,0.005\n10010,10060,1,2,75,Waiting,,\n',
  },
  {
    format: 'alibaba-podmem',
    name: 'pod_memory_util_anon',
    text: `value,timestamp_anon,container_ip
0.66,1662858720.0,25da09a77268ccc9
0.35,1662858780.0,ccfa8e249adb8794
`,
  },
  {
    format: 'metacentrum-machines',
    name: 'wagap-2013.swf.machines',
    text: '0\tzewura\t2\t80\t1\t529426432\n1\tzegox\t3\t12\t1\t94035968\n',
  },
  {
    format: 'philly',
    name: 'the table of ElasticFlow',
    text: `timestamp,duration,num_gpus,gpu_time,cluster
2017-10-09 07:01:55,66.0,1,66.0,11cb48
2017-10-09 06:13:03,2951.0,12,35412.0,6214e9
`,
  },
] as const satisfies readonly { format: TraceFormat; name: string; text: string }[];
