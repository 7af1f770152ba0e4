// Under NODE_V8_COVERAGE this process is measured, and no other: Node would hand the variable on to every
// child, also to functions whose environment a test looks at.
delete process.env.NODE_V8_COVERAGE;
