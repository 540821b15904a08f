#pragma once

void test_transforms();
