module krobench.test/testbed/pause

go 1.26.0
