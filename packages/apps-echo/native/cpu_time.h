// CPU time of a process so far, in nanoseconds: the sum over its threads of what the scheduler counted. -1 when it cannot be read.
#pragma once

#include <dirent.h>
#include <stdio.h>

static long long process_cpu_nanoseconds(int pid) {
  char path[300];
  snprintf(path, sizeof(path), "/proc/%d/task", pid);
  DIR* tasks = opendir(path);
  if (tasks == NULL) return -1;
  long long sum = -1;
  for (struct dirent* task = readdir(tasks); task != NULL; task = readdir(tasks)) {
    if (task->d_name[0] == '.') continue;
    snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", pid, task->d_name);
    FILE* file = fopen(path, "r");
    if (file == NULL) continue;  // the thread has just ended
    long long nanoseconds;
    if (fscanf(file, "%lld", &nanoseconds) == 1) sum = (sum < 0 ? 0 : sum) + nanoseconds;
    fclose(file);
  }
  closedir(tasks);
  return sum;
}
